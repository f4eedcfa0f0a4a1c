// @ts-check
import { Socket } from "node:net";
import { mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { StandIn } from "./stand-in.mjs";

/** @typedef {import("./records.mjs").OrderRecord} OrderRecord */
/** @typedef {Awaited<ReturnType<typeof startEnvironment>>} Environment */

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

/** @type {WeakMap<Socket, NodeJS.Timeout>} of the mocked clock that runs: it cannot clear another one's timers */
let socketTimers = new WeakMap();

/**
 * @this {Socket}
 * @param {number} ms none if 0
 * @param {() => void} [listener]
 */
function emitTimeoutAfter(ms, listener) {
  clearTimeout(socketTimers.get(this));
  if (ms > 0)
    socketTimers.set(
      this,
      setTimeout(() => this.emit("timeout"), ms),
    );
  if (listener) this[ms > 0 ? "once" : "removeListener"]("timeout", listener);
  return this;
}

/** The milliseconds that the clock has moved since the test began. */
let clockMs = 0;

/**
 * Runs the task on a clock that moves only while the task waits: timeouts and backoff cost no time.
 * @template T
 * @param {() => Promise<T>} task
 * @returns what the task returns, and what was logged meanwhile
 */
export async function onTestClock(task) {
  /** @type {any[]} */
  const logs = [];
  /** @param {object} line an object, which Lambda logs as JSON */
  const keep = (line) => void logs.push(JSON.parse(JSON.stringify(line)));
  const mocks = [
    .../** @type {const} */ (["info", "log", "warn", "error"]).map((method) =>
      mock.method(console, method, keep),
    ),
    mock.method(AbortSignal, "timeout", abortAfter),
    mock.method(Socket.prototype, "setTimeout", emitTimeoutAfter),
  ];
  mock.timers.enable({ apis: ["setTimeout"] });
  socketTimers = new WeakMap();
  let done = false;
  const running = task().finally(() => {
    done = true;
  });
  running.catch(() => {}); // Handled below, as soon as the clock stands.
  try {
    while (!done) {
      const { length } = standIn.calls;
      for (let turns = 0; turns < QUIET_TURNS && !done; turns++) await turn();
      if (!done && length === standIn.calls.length) {
        clockMs += TICK_MS;
        mock.timers.tick(TICK_MS);
      }
    }
    return { result: await running, logs };
  } finally {
    mock.timers.reset();
    for (const method of mocks) method.mock.restore();
  }
}

let environments = 0;

/** An execution environment: the function's module loaded anew, with what it keeps between invocations. */
export async function startEnvironment() {
  environments += 1;
  const {
    result: { handler },
    logs: startLogs,
  } = await onTestClock(
    () => import(`../../../lambda/order-processor/index.mjs?environment=${environments}`),
  );

  /**
   * Invokes the handler as Lambda does, on the test clock; one invocation at a time. Rejects when it times out.
   * @param {OrderRecord[]} records
   * @returns {Promise<Error | undefined>} the error it threw
   */
  async function run(records, timeoutMs = 60_000) {
    const end = clockMs + timeoutMs;
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const timeout = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("the function has timed out")), timeoutMs);
    });
    const handled = handler({ Records: records }, { getRemainingTimeInMillis: () => end - clockMs })
      .then(() => undefined)
      .catch((/** @type {Error} */ error) => error);
    return await Promise.race([handled, timeout]).finally(() => clearTimeout(timer));
  }

  /**
   * The same with a clock of its own: what it logged, the error it threw, and the milliseconds it took.
   * @param {OrderRecord[]} records
   */
  async function invoke(records, timeoutMs = 60_000) {
    const started = clockMs;
    const { result: error, logs } = await onTestClock(() => run(records, timeoutMs));
    return { error, logs, tookMs: clockMs - started };
  }

  return { handler, startLogs, run, invoke };
}

/** The lines of an event. @param {any[]} logs @param {string} event */
export const logged = (logs, event) => logs.filter((line) => line.event === event);
