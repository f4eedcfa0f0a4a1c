// @ts-check
import { Agent } from "node:https";

/**
 * The part of the SDK's HTTP handler that has been the same in all versions.
 * @typedef {{
 *   handle: (request: unknown, options?: { abortSignal?: AbortSignal }) => Promise<unknown>,
 *   updateHttpClientConfig: (name: string, value: unknown) => void,
 * }} HttpHandler
 */

/**
 * The time that calls of the running invocation may take; an execution environment has one invocation at a time.
 *
 * A call that is neither answered nor refused ends with it, whatever version of the AWS SDK the runtime brings: the
 * SDK's own timeouts have changed their meaning several times, and some only warn.
 */
export class TimeBudget {
  #spent = AbortSignal.abort();

  /** @param {number} ms from now; none is left if there is not even one */
  start(ms) {
    this.#spent = ms >= 1 ? AbortSignal.timeout(Math.floor(ms)) : AbortSignal.abort();
  }

  /** Throws an OutOfTime error when it is too late for another call. */
  check() {
    if (this.#spent.aborted) {
      throw Object.assign(new Error("too late to start another call"), { name: "OutOfTime" });
    }
  }

  /**
   * The client, whose calls end with this time, and which tries a silent connection no longer than a few seconds.
   * @template {{ config: { requestHandler: object } }} C
   * @param {C} client
   * @param {number} maxSockets
   */
  limit(client, maxSockets) {
    const requestHandler = /** @type {HttpHandler} */ (client.config.requestHandler);
    const options = {
      connectionTimeout: 2_000,
      requestTimeout: 4_000,
      throwOnRequestTimeout: true,
      socketTimeout: 4_000,
      httpsAgent: new Agent({ keepAlive: true, maxSockets }),
    };
    // One by one: before 3.521 (February 2024) a client takes no options for its request handler.
    for (const [name, value] of Object.entries(options)) requestHandler.updateHttpClientConfig(name, value);

    const handle = requestHandler.handle.bind(requestHandler);
    requestHandler.handle = (request, { abortSignal, ...rest } = {}) => {
      // Each request has a signal of its own: the SDK before June 2024 sets its `onabort`, so of many requests with
      // the same signal only the last would end.
      const ended = AbortSignal.any(abortSignal ? [this.#spent, abortSignal] : [this.#spent]);
      return handle(request, { ...rest, abortSignal: ended });
    };
    return client;
  }
}
