// @ts-check
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { logged, standIn, startEnvironment } from "./environment.mjs";
import { failedOrders, statusChange, streamRecord } from "./records.mjs";

/** @typedef {import("./records.mjs").OrderRecord} OrderRecord */

/** @type {import("./environment.mjs").Environment} */
let environment;

after(() => standIn.stop());
beforeEach(async () => {
  standIn.reset();
  environment = await startEnvironment();
});

/** @param {OrderRecord[]} records @param {number} [timeoutMs] */
const invoke = (records, timeoutMs) => environment.invoke(records, timeoutMs);

const DENIED = { status: 403, code: "AccessDenied" };

/** The event ids of the versions stored, by key. */
function storedEvents() {
  /** @type {Record<string, string[]>} */
  const events = {};
  for (const { key, body } of standIn.puts) {
    events[key] ??= [];
    events[key].push(JSON.parse(body).eventId);
  }
  return events;
}

const publishedEvents = () => standIn.published.map(({ Message }) => JSON.parse(Message).eventId);

/** @param {OrderRecord[]} records */
const eventIds = (records) => records.map(({ eventID }) => eventID);

test("an empty event calls nothing", async () => {
  const { error, logs } = await invoke([]);
  assert.equal(error, undefined);
  assert.deepEqual(standIn.calls, []);
  assert.equal(logs[0].oldestAgeMs, null);
});

test("R1 every kind of change is stored under its order item's key", async () => {
  const records = [
    statusChange(undefined, "NEW"),
    statusChange("NEW", "PAID"),
    statusChange("PAID", undefined),
  ];
  const { error } = await invoke(records);
  assert.equal(error, undefined);
  assert.deepEqual(storedEvents(), { "orders/order-1/1700000000000.json": eventIds(records) });
  assert.equal(JSON.parse(standIn.puts[0].body).newImage.status.S, "NEW");
});

test("R2 versions of one object are stored in stream order, one at a time", async () => {
  const records = ["a", "b", "c"].flatMap((status) =>
    ["x", "y"].map((orderId) => statusChange(undefined, status, { orderId })),
  );
  /** @type {Set<string>} */
  const open = new Set();
  standIn.fault = async (call) => {
    if (call.service !== "s3") return undefined;
    assert.ok(!open.has(call.key), "two versions of one object at once");
    open.add(call.key);
    await turn();
    open.delete(call.key);
    return undefined;
  };
  const { error } = await invoke(records);
  assert.equal(error, undefined);
  const [x, y] = ["x", "y"].map((id) => records.filter(({ dynamodb }) => dynamodb.Keys.orderId.S === id));
  assert.deepEqual(storedEvents(), {
    "orders/x/1700000000000.json": eventIds(x),
    "orders/y/1700000000000.json": eventIds(y),
  });
});

test("R2 different objects are stored concurrently, at most 32 at a time", async () => {
  let open = 0;
  let most = 0;
  standIn.fault = async ({ service }) => {
    if (service !== "s3") return undefined;
    open += 1;
    most = Math.max(most, open);
    // As long as others come, none is answered.
    for (let calls = 0; calls !== standIn.calls.length; ) {
      calls = standIn.calls.length;
      for (let turns = 0; turns < 20; turns++) await turn();
    }
    open -= 1;
    return undefined;
  };
  const { error } = await invoke(failedOrders(120));
  assert.equal(error, undefined);
  assert.equal(standIn.puts.length, 120);
  assert.equal(most, 32);
});

test("R2 after a failed version no later one of its object is stored, and other objects are", async () => {
  const broken = ["a", "b", "c"].map((status) => statusChange(undefined, status, { orderId: "broken" }));
  const sound = ["a", "b"].map((status) => statusChange(undefined, status, { orderId: "sound" }));
  standIn.fault = (call) =>
    call.service === "s3" && call.body.includes(broken[1].eventID) ? DENIED : undefined;
  const { error, logs } = await invoke([broken[0], sound[0], broken[1], sound[1], broken[2]]);
  assert.match(String(error), /2 failures in a batch of 5 records/);
  assert.deepEqual(storedEvents(), {
    "orders/broken/1700000000000.json": [broken[0].eventID],
    "orders/sound/1700000000000.json": eventIds(sound),
  });
  assert.deepEqual(
    logged(logs, "audit record not stored").map(({ eventId }) => eventId),
    eventIds(broken.slice(1)),
  );
});

test("R3 no alert goes out while an audit record of the batch is missing", async () => {
  const records = failedOrders(3);
  standIn.fault = (call) => (call.service === "s3" && call.key.includes("order-2") ? DENIED : undefined);
  const { error } = await invoke(records);
  assert.ok(error);
  assert.deepEqual(
    standIn.calls.map(({ service }) => service),
    ["s3", "s3", "s3"],
  );
});

test("R3 alerts go out after the last audit record", async () => {
  const { error } = await invoke(failedOrders(70));
  assert.equal(error, undefined);
  assert.deepEqual(
    standIn.accepted.map(({ service }) => service),
    [...Array(70).fill("s3"), ...Array(70).fill("sns")],
  );
});

test("R4 S3 down: the handler throws, and succeeds when S3 is back", async () => {
  const records = failedOrders(3);
  standIn.fault = ({ service }) => (service === "s3" ? { status: 500, code: "InternalError" } : undefined);
  assert.ok((await invoke(records)).error);
  assert.deepEqual(standIn.accepted, []);
  standIn.fault = () => undefined;
  assert.equal((await invoke(records)).error, undefined);
  assert.equal(standIn.puts.length, 3);
  assert.deepEqual(publishedEvents(), eventIds(records));
});

test("R4 SNS down: audit records are stored, the handler throws, and a retry alerts", async () => {
  const records = failedOrders(3);
  standIn.fault = ({ service }) => (service === "sns" ? DENIED : undefined);
  const { error, logs } = await invoke(records);
  assert.match(String(error), /3 failures in a batch of 3 records/);
  assert.equal(standIn.puts.length, 3);
  assert.deepEqual(
    logged(logs, "alert not published").map(({ eventId }) => eventId),
    eventIds(records),
  );
  standIn.fault = () => undefined;
  assert.equal((await invoke(records)).error, undefined);
  assert.deepEqual(publishedEvents(), eventIds(records));
});

test("R4 alerts that SNS refuses within a batch make the handler throw after all were tried", async () => {
  const records = failedOrders(25);
  standIn.fault = (call) =>
    call.service === "sns" && call.entries[0].Message.includes('"order-10"')
      ? { refused: ["0", "3"] }
      : undefined;
  const { error, logs } = await invoke(records);
  assert.match(String(error), /2 failures in a batch of 25 records/);
  assert.deepEqual(
    logged(logs, "alert not published").map(({ eventId }) => eventId),
    [records[10].eventID, records[13].eventID],
  );
  assert.equal(standIn.published.length, 23);
});

test("R4 a batch of alerts that fails does not stop the others", async () => {
  standIn.fault = (call) =>
    call.service === "sns" && call.entries[0].Message.includes('"order-0"') ? DENIED : undefined;
  assert.match(String((await invoke(failedOrders(25))).error), /10 failures in a batch of 25 records/);
  assert.equal(standIn.published.length, 15);
});

test("R6 an alert is published per entry into a failure, with attributes to filter by", async () => {
  const entries = [statusChange("NEW", "PAYMENT_FAILED"), statusChange("PAYMENT_FAILED", "FAILED")];
  const { error } = await invoke([
    entries[0],
    statusChange("PAYMENT_FAILED", "PAYMENT_FAILED"),
    entries[1],
    statusChange("FAILED", undefined),
  ]);
  assert.equal(error, undefined);
  assert.deepEqual(publishedEvents(), eventIds(entries));
  assert.deepEqual(
    standIn.published.map(({ attributes }) => attributes),
    ["PAYMENT_FAILED", "FAILED"].map((status) => ({ status, orderId: "order-1" })),
  );
  const { auditObject } = JSON.parse(standIn.published[0].Message);
  assert.deepEqual(auditObject, { bucket: "audit", key: standIn.puts[0].key });
});

test("R6 one query per status counts the orders of the last hour", async () => {
  const since = Date.now() - 3_600_000;
  await invoke([...failedOrders(12), statusChange("NEW", "PAYMENT_FAILED")]);
  const queries = standIn.calls.flatMap((call) => (call.service === "dynamodb" ? call.input : []));
  assert.deepEqual(queries.map(({ ExpressionAttributeValues: values }) => values[":status"].S).sort(), [
    "FAILED",
    "PAYMENT_FAILED",
  ]);
  for (const { TableName, IndexName, Select, ExpressionAttributeValues: values } of queries) {
    assert.deepEqual([TableName, IndexName, Select], ["orders-table-test", "status-index-test", "COUNT"]);
    assert.ok(Number(values[":since"].N) >= since && Number(values[":since"].N) <= Date.now() - 3_600_000);
  }
  assert.deepEqual(
    new Set(standIn.published.map(({ Message }) => JSON.parse(Message).ordersInStatusLastHour)),
    new Set([7]),
  );
});

/** The counts in the alerts, each as often as it is said, and the pages that were asked for. */
function saidCounts() {
  const said = standIn.published.map(({ Message }) => {
    const { ordersInStatusLastHour: orders, ordersInStatusLastHourIsAtLeast: isAtLeast } =
      JSON.parse(Message);
    return isAtLeast ? `at least ${orders}` : orders;
  });
  return { said, pages: standIn.calls.filter(({ service }) => service === "dynamodb").length };
}

test("R6 a count of several pages is their sum", async () => {
  standIn.pages = 3;
  await invoke(failedOrders(1));
  assert.deepEqual(saidCounts(), { said: [21], pages: 3 });
});

test("R6 in a storm alerts say how many there are at least, and one count serves all batches", async () => {
  standIn.pages = 300;
  for (let batch = 0; batch < 3; batch++) await invoke(failedOrders(2));
  assert.deepEqual(saidCounts(), { said: Array(6).fill("at least 84"), pages: 12 });
});

/** @type {import("./stand-in.mjs").Fault[]} */
const QUERY_FAULTS = [DENIED, "hang", { status: 500, code: "InternalServerError" }];
for (const fault of QUERY_FAULTS) {
  test(`R6 a query that fails does not stop the alert: ${JSON.stringify(fault)}`, async () => {
    standIn.fault = ({ service }) => (service === "dynamodb" ? fault : undefined);
    // Three seconds until it is too late for the alert.
    const { error, logs } = await invoke(failedOrders(1), 7_000);
    assert.equal(error, undefined);
    assert.equal(logged(logs, "orders not counted").length, 1);
    const { pages } = saidCounts();
    await invoke(failedOrders(1));
    // The next batch does not wait for it again.
    assert.deepEqual(saidCounts(), { said: [null, null], pages });
  });
}

test("the same record twice is stored twice", async () => {
  const record = statusChange("NEW", "FAILED");
  assert.equal((await invoke([record, record])).error, undefined);
  assert.deepEqual(Object.values(storedEvents()), [[record.eventID, record.eventID]]);
  assert.deepEqual(new Set(publishedEvents()), new Set([record.eventID]));
});

test("a record that always fails fails alone once the batch is bisected", async () => {
  const [poison, ...sound] = failedOrders(3);
  standIn.fault = (call) =>
    call.service === "s3" && call.body.includes(poison.eventID) ? DENIED : undefined;
  assert.ok((await invoke([poison, ...sound])).error);
  assert.ok((await invoke([poison])).error);
  assert.equal((await invoke(sound)).error, undefined);
  assert.deepEqual(publishedEvents(), eventIds(sound));
});

test("the batch line has the counts, the duration and the age of the oldest change", async () => {
  const records = [statusChange("NEW", "FAILED"), statusChange("FAILED", "NEW"), ...failedOrders(2)];
  records[1].dynamodb.ApproximateCreationDateTime = Date.now() / 1_000 - 90;
  for (const n of [0, 2, 3]) records[n].dynamodb.ApproximateCreationDateTime = Date.now() / 1_000 - 5;
  const { logs } = await invoke(records);
  const [{ durationMs, oldestAgeMs, ...counts }, ...rest] = logs;
  assert.deepEqual(rest, []);
  assert.deepEqual(counts, {
    event: "batch processed",
    records: 4,
    objects: 2,
    notStored: 0,
    alerts: 3,
    notPublished: 0,
  });
  assert.ok(durationMs >= 0);
  assert.ok(oldestAgeMs >= 90_000 && oldestAgeMs < 120_000);
});

test("nothing of an order is in logs or errors", async () => {
  const image = { status: { S: "FAILED" }, note: { S: "secret" } };
  const record = streamRecord({ orderId: "secret", newImage: image });
  /** @type {import("./stand-in.mjs").Call["service"][]} */
  const services = ["s3", "sns", "dynamodb"];
  for (const down of services) {
    standIn.fault = ({ service }) => (service === down ? DENIED : undefined);
    const { error, logs } = await invoke([record]);
    assert.ok(logs.length >= 1);
    assert.doesNotMatch(JSON.stringify(logs) + error?.stack, /secret/);
  }
});
