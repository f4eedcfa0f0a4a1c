// @ts-check
import { Agent } from "node:https";

/**
 * What the SDK's HTTP handler has been in all versions, the second since 2023.
 * @typedef {{
 *   handle: (request: unknown, options?: { abortSignal?: AbortSignal }) => Promise<unknown>,
 *   updateHttpClientConfig?: (name: string, value: unknown) => void,
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
  /** @type {Set<AbortController>} the running invocation's calls, open or done */
  #calls = new Set();

  /** @param {number} ms from now; none is left if there is not even one */
  start(ms) {
    this.#calls.clear();
    const calls = new Set();
    this.#calls = calls;
    this.#spent = ms >= 1 ? AbortSignal.timeout(Math.floor(ms)) : AbortSignal.abort();
    this.#spent.onabort = () => {
      for (const call of calls) call.abort();
    };
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
    for (const [name, value] of Object.entries(options)) requestHandler.updateHttpClientConfig?.(name, value);

    const handle = requestHandler.handle.bind(requestHandler);
    requestHandler.handle = (request, { abortSignal, ...rest } = {}) => {
      // Each call has a signal of its own: the SDK before June 2024 sets `onabort` and leaves it there, so of many calls
      // with the same signal only the last would end. Not one by AbortSignal.any, which Node.js keeps, with its
      // listener, until the time is over: with that SDK 11 KB for every call.
      const call = new AbortController();
      if (this.#spent.aborted || abortSignal?.aborted) call.abort();
      this.#calls.add(call);
      abortSignal?.addEventListener("abort", () => call.abort(), { once: true });
      return handle(request, { ...rest, abortSignal: call.signal });
    };
    return client;
  }
}
