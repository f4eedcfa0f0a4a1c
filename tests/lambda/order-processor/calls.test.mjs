// @ts-check
import assert from "node:assert/strict";
import { after, beforeEach, mock, test } from "node:test";
import zlib from "node:zlib";
import { logged, standIn, startEnvironment } from "./environment.mjs";
import { failedOrders } from "./records.mjs";

// What depends on the AWS SDK's version: retries, timeouts, connections.

/** @type {import("./environment.mjs").Environment} */
let environment;

after(() => standIn.stop());
beforeEach(async () => {
  standIn.reset();
  environment = await startEnvironment();
});

const THROTTLED = { status: 503, code: "SlowDown" };

/** @param {import("./records.mjs").OrderRecord[]} records @param {number} [timeoutMs] */
const invoke = (records, timeoutMs) => environment.invoke(records, timeoutMs);

test("the versions of Node.js and of the AWS SDK are logged once, at the start", async () => {
  const { startLogs } = environment;
  assert.deepEqual(
    startLogs.map(({ event, node }) => [event, node]),
    [["started", process.version]],
  );
  assert.match(startLogs[0].sdk, /^3\.\d+\.\d+$/);
  for (let n = 0; n < 2; n++) assert.equal(logged((await invoke([])).logs, "started").length, 0);
});

test("S6 a record comes with its checksum, without which S3 takes nothing into a bucket with a lock", async () => {
  await invoke(failedOrders(1));
  const [{ body, crc32 }] = standIn.puts;
  assert.equal(Buffer.from(crc32, "base64").readUInt32BE(), zlib.crc32(body));
});

test("R4 throttled calls are tried again", async () => {
  /** @type {Set<string>} */
  const throttled = new Set();
  standIn.fault = (call) => {
    const id = call.service === "s3" ? call.key : call.service;
    if (throttled.has(id)) return undefined;
    throttled.add(id);
    return THROTTLED;
  };
  const { error } = await invoke(failedOrders(12));
  assert.equal(error, undefined);
  assert.equal(standIn.puts.length, 12);
  assert.equal(standIn.published.length, 12);
});

test("R4 connections that were closed while the function was frozen do not fail a batch", async () => {
  assert.equal((await invoke(failedOrders(100))).error, undefined);
  standIn.dropConnections();
  assert.equal((await invoke(failedOrders(100))).error, undefined);
  assert.equal(standIn.puts.length, 200);
});

for (const hang of /** @type {const} */ (["hang", "hang in body"])) {
  test(`R4 S3 calls that ${hang} fail in time to report them`, async () => {
    standIn.fault = () => hang;
    // The test clock rejects what takes longer than Lambda's 60 s.
    const { error, logs } = await invoke(failedOrders(100));
    assert.match(String(error), /100 failures in a batch of 100 records/);
    assert.equal(logged(logs, "audit record not stored").length, 100);
  });
}

test("R4 a hung call ends with the invocation's time on a real clock too", async () => {
  standIn.fault = () => "hang";
  const silenced = mock.method(console, "error", () => {});
  const printed = mock.method(console, "log", () => {});
  const started = performance.now();
  const handled = environment.handler(
    { Records: failedOrders(3) },
    { getRemainingTimeInMillis: () => 4_100 - (performance.now() - started) },
  );
  await assert.rejects(handled, /3 failures in a batch of 3 records/);
  for (const method of [silenced, printed]) method.mock.restore();
  // Timers count whole milliseconds.
  assert.ok(performance.now() - started > 98);
});

for (const service of ["s3", "sns"]) {
  test(`R4 hung calls of ${service} end with the invocation's time, before any timeout of the SDK`, async () => {
    standIn.fault = (call) => (call.service === service ? "hang" : undefined);
    const { error, tookMs } = await invoke(failedOrders(32), 6_000);
    assert.match(String(error), /32 failures in a batch of 32 records/);
    assert.equal(tookMs, 2_000);
    assert.equal(standIn.calls.filter((call) => call.service === service).length, service === "s3" ? 32 : 4);
  });
}

test("R4 too late to wait for a hung call, nothing is stored, and the handler throws", async () => {
  const { error, logs } = await invoke(failedOrders(2), 4_000);
  assert.match(String(error), /2 failures in a batch of 2 records/);
  assert.deepEqual(standIn.calls, []);
  assert.deepEqual(
    new Set(logged(logs, "audit record not stored").map(({ error }) => error)),
    new Set(["OutOfTime"]),
  );
});

test("R4 too late to wait for a hung call, no alert is published, and the handler throws", async () => {
  standIn.fault = ({ service }) => (service === "dynamodb" ? "hang" : undefined);
  const { error, logs } = await invoke(failedOrders(2), 5_500);
  assert.match(String(error), /2 failures in a batch of 2 records/);
  assert.deepEqual(standIn.published, []);
  assert.equal(logged(logs, "alert not published")[0].error, "OutOfTime");
});
