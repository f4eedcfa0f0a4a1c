// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { TimeBudget } from "../../../lambda/order-processor/time-budget.mjs";

/** A client of an SDK without timeouts: its calls are never answered, and end by `onabort` alone. */
function silentClient() {
  /** @type {Record<string, unknown>} */
  const settings = {};
  return {
    settings,
    config: {
      requestHandler: {
        /** @param {unknown} _request @param {{ abortSignal?: AbortSignal }} [options] */
        handle: (_request, { abortSignal } = {}) =>
          new Promise((_, reject) => {
            if (abortSignal?.aborted) reject(new Error("ended"));
            if (abortSignal) abortSignal.onabort = () => reject(new Error("ended"));
          }),
        /** @param {string} name @param {unknown} value */
        updateHttpClientConfig: (name, value) => {
          settings[name] = value;
        },
      },
    },
  };
}

/** A client with a budget that has begun. @param {number} ms */
function startedClient(ms) {
  const budget = new TimeBudget();
  const client = budget.limit(silentClient(), 7);
  budget.start(ms);
  return { budget, handler: client.config.requestHandler, settings: client.settings };
}

test("R4 all open calls end with the time, whatever the SDK does", async () => {
  const { budget, handler } = startedClient(30);
  budget.check();
  const calls = [1, 2, 3].map((n) => handler.handle(n));
  // A signal's timer does not keep Node.js running; Lambda's runtime does.
  const [outcomes] = await Promise.all([Promise.allSettled(calls), delay(60)]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["rejected", "rejected", "rejected"],
  );
  assert.throws(() => budget.check(), { name: "OutOfTime" });
  await assert.rejects(handler.handle(4));
});

test("R4 a call's own signal ends it earlier", async () => {
  const { budget, handler } = startedClient(60_000);
  const own = new AbortController();
  const call = handler.handle(1, { abortSignal: own.signal });
  own.abort();
  await assert.rejects(call);
  budget.check();
});

test("R4 a new invocation has time again", () => {
  const { budget } = startedClient(-1);
  assert.throws(() => budget.check(), { name: "OutOfTime" });
  budget.start(60_000);
  budget.check();
});

test("R4 before the first invocation there is no time", () => {
  assert.throws(() => new TimeBudget().check(), { name: "OutOfTime" });
});

test("the SDK's own timeouts are set, and the connections bounded", () => {
  const { settings } = startedClient(0);
  const { httpsAgent, ...timeouts } = settings;
  assert.deepEqual(timeouts, {
    connectionTimeout: 2_000,
    requestTimeout: 4_000,
    throwOnRequestTimeout: true,
    socketTimeout: 4_000,
  });
  const { maxSockets, keepAlive } = /** @type {any} */ (httpsAgent);
  assert.deepEqual([maxSockets, keepAlive], [7, true]);
});

test("what a call's signal holds is let go with the next invocation", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc");
  /** @type {WeakRef<object>[]} */
  const held = [];
  const client = silentClient();
  // Answers at once, and leaves its listener with the signal, as the SDK before June 2024 does.
  client.config.requestHandler.handle = async (_request, { abortSignal } = {}) => {
    const answer = { body: "x" };
    held.push(new WeakRef(answer));
    if (abortSignal) abortSignal.onabort = () => answer;
  };
  const budget = new TimeBudget();
  budget.limit(client, 1);
  budget.start(60_000);
  for (let n = 0; n < 3; n++) await client.config.requestHandler.handle(n);
  budget.start(60_000);
  await delay(1);
  collectGarbage();
  assert.deepEqual(
    held.map((answer) => answer.deref()),
    [undefined, undefined, undefined],
  );
});
