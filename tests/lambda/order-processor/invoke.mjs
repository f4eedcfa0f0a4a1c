// @ts-check
import { Socket } from "node:net";
import { mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { StandIn } from "./stand-in.mjs";

/** The services the handler under test talks to. */
export const standIn = new StandIn();
await standIn.start();
Object.assign(process.env, {
  AWS_ENDPOINT_URL: standIn.url,
  AWS_REGION: "ap-southeast-1",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AUDIT_BUCKET: "audit",
  ALERTS_TOPIC_ARN: "arn:aws:sns:ap-southeast-1:123456789012:order-alerts-topic-test",
  ORDERS_TABLE: "orders-table-test",
  STATUS_INDEX: "status-index-test",
  FAILURE_STATUSES: "FAILED, PAYMENT_FAILED",
});
const { handler } = await import("../../../lambda/order-processor/index.mjs");

// Node 20 and 22 warn once that mocked timers are experimental: on the real console, before invoke mocks it.
mock.timers.enable();
mock.timers.reset();
await turn();

// The clock moves by a tick whenever that many turns of the event loop brought no call.
const QUIET_TURNS = 20;
const TICK_MS = 250;

// Node runs the timeouts of signals and sockets on a clock of its own: here they go by the mocked setTimeout.

/** @param {number} ms */
function abortAfter(ms) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms);
  return controller.signal;
}

/**
 * @this {Socket}
 * @param {number} ms
 * @param {() => void} [listener]
 */
function emitTimeoutAfter(ms, listener) {
  if (listener) this.once("timeout", listener);
  if (ms > 0) setTimeout(() => this.emit("timeout"), ms);
  return this;
}

/**
 * Invokes the handler as Lambda does, on a clock that runs only while the handler waits:
 * timeouts and backoff cost no time.
 * @param {import("./records.mjs").OrderRecord[]} records
 * @returns {Promise<{ logs: any[], error: Error | undefined, remainingMs: number }>}
 *   what it logged, the error it threw, and the milliseconds that were left then
 */
export async function invoke(records, timeoutMs = 60_000) {
  /** @type {any[]} */
  const logs = [];
  /** @param {object} line an object, which Lambda logs as JSON */
  const keep = (line) => void logs.push(JSON.parse(JSON.stringify(line)));
  const mocks = [
    .../** @type {const} */ (["log", "warn", "error"]).map((method) => mock.method(console, method, keep)),
    mock.method(AbortSignal, "timeout", abortAfter),
    mock.method(Socket.prototype, "setTimeout", emitTimeoutAfter),
  ];
  mock.timers.enable({ apis: ["setTimeout"] });
  let remainingMs = timeoutMs;
  let done = false;
  const run = async () => {
    try {
      await handler({ Records: records }, { getRemainingTimeInMillis: () => remainingMs });
      return undefined;
    } catch (error) {
      return /** @type {Error} */ (error);
    } finally {
      done = true;
    }
  };
  const running = run();
  try {
    while (!done) {
      if (remainingMs <= 0) throw new Error("the function has timed out");
      const { length } = standIn.calls;
      for (let turns = 0; turns < QUIET_TURNS && !done; turns++) await turn();
      if (!done && length === standIn.calls.length) {
        remainingMs -= TICK_MS;
        mock.timers.tick(TICK_MS);
      }
    }
    return { logs, error: await running, remainingMs };
  } finally {
    mock.timers.reset();
    for (const method of mocks) method.mock.restore();
  }
}
