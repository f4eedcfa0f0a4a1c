// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { alertEntry, enteredFailure, publishBatches } from "../../../lambda/order-processor/alert.mjs";
import { auditKey } from "../../../lambda/order-processor/audit.mjs";
import { statusChange, streamRecord } from "./records.mjs";
import { anyText } from "./text.mjs";

const FAILURES = new Set(["FAILED", "PAYMENT_FAILED"]);
// What SNS takes in messages and attributes.
const LEGAL_TEXT = /^[\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

/** @param {import("./records.mjs").OrderRecord} record */
function entryOf(record, status = "FAILED") {
  const facts = {
    status,
    bucket: "audit",
    key: auditKey(record),
    ordersInLastHour: { orders: 3, isAtLeast: false },
  };
  return alertEntry(record, facts);
}

/** @type {[string | undefined, string | undefined, string | undefined][]} */
const STATUS_CHANGES = [
  [undefined, "FAILED", "FAILED"],
  ["NEW", "FAILED", "FAILED"],
  ["PAYMENT_FAILED", "FAILED", "FAILED"],
  ["FAILED", "FAILED", undefined],
  ["FAILED", "NEW", undefined],
  ["NEW", "PAID", undefined],
  ["NEW", "failed", undefined],
  ["FAILED", undefined, undefined],
  [undefined, "NEW", undefined],
];
for (const [oldStatus, newStatus, entered] of STATUS_CHANGES) {
  test(`R6 from ${oldStatus} to ${newStatus} enters ${entered}`, () => {
    assert.equal(enteredFailure(statusChange(oldStatus, newStatus), FAILURES), entered);
  });
}

test("R6 an order that had no status enters a failure", () => {
  const record = streamRecord({ oldImage: {}, newImage: { status: { S: "FAILED" } } });
  assert.equal(enteredFailure(record, FAILURES), "FAILED");
});

test("R6 a status that is missing or no string enters no failure", () => {
  assert.equal(enteredFailure(streamRecord({ newImage: {} }), FAILURES), undefined);
  assert.equal(enteredFailure(streamRecord({ newImage: { status: { N: "1" } } }), FAILURES), undefined);
  assert.equal(
    enteredFailure(streamRecord({ newImage: { status: { SS: ["FAILED"] } } }), FAILURES),
    undefined,
  );
});

test("R6 the alert says which order, what changed, where the audit object is, and how many there are", () => {
  const record = statusChange("NEW", "FAILED");
  const { Subject, Message, MessageAttributes } = entryOf(record);
  assert.equal(Subject, "Order entered FAILED: order-1");
  assert.deepEqual(JSON.parse(Message), {
    orderId: "order-1",
    timestamp: "1700000000000",
    oldStatus: "NEW",
    newStatus: "FAILED",
    auditObject: { bucket: "audit", key: "orders/order-1/1700000000000.json" },
    ordersInStatusLastHour: 3,
    ordersInStatusLastHourIsAtLeast: false,
    eventId: record.eventID,
  });
  assert.deepEqual(MessageAttributes, {
    status: { DataType: "String", StringValue: "FAILED" },
    orderId: { DataType: "String", StringValue: "order-1" },
  });
});

test("R6 the old status of an order that had none is null", () => {
  assert.equal(JSON.parse(entryOf(statusChange(undefined, "FAILED")).Message).oldStatus, null);
});

test("R6 the subject of a long id is cut where the reader sees it", () => {
  const { Subject } = entryOf(statusChange("NEW", "FAILED", { orderId: "x".repeat(2_048) }));
  assert.equal(Subject.length, 99);
  assert.match(Subject, /^Order entered FAILED: x+\.\.\.$/);
});

// Any text DynamoDB takes as a key, with the characters SNS refuses often among it.
const keyText = fc
  .array(
    fc.oneof(
      fc.constantFrom("\0", "\n", "\x7f", "\ufffe", "\uffff", "é", "\u{1F4E6}", "x".repeat(90)),
      anyText,
    ),
    {
      minLength: 1,
    },
  )
  .map((pieces) => pieces.join(""))
  .filter((text) => text !== "" && Buffer.byteLength(text) <= 2_048);

test("R6 no id and no status makes an alert that SNS refuses, and the message keeps both exactly", () => {
  fc.assert(
    fc.property(keyText, keyText, keyText, (orderId, oldStatus, newStatus) => {
      const { Subject, Message, MessageAttributes } = entryOf(
        statusChange(oldStatus, newStatus, { orderId }),
        newStatus,
      );
      assert.match(Subject, /^[\x20-\x7e]{1,99}$/);
      assert.match(Message, LEGAL_TEXT);
      for (const { StringValue } of Object.values(MessageAttributes)) {
        assert.match(StringValue, LEGAL_TEXT);
        assert.notEqual(StringValue, "");
      }
      const alert = JSON.parse(Message);
      assert.deepEqual([alert.orderId, alert.oldStatus, alert.newStatus], [orderId, oldStatus, newStatus]);
    }),
  );
});

/** The bytes SNS counts. @param {import("../../../lambda/order-processor/alert.mjs").AlertEntry} entry */
function countedBytes({ Subject, Message, MessageAttributes }) {
  const attributes = Object.entries(MessageAttributes).map(
    ([name, { DataType, StringValue }]) => name + DataType + StringValue,
  );
  return Buffer.byteLength(Subject + Message + attributes.join(""));
}

test("R6 batches hold every alert in order, at most ten and 256 KiB each", () => {
  // "\0" takes six bytes in JSON: an alert of up to 26 KB, near the largest there is.
  const size = fc.oneof({ weight: 3, arbitrary: fc.constant(2_048) }, fc.integer({ min: 1, max: 2_048 }));
  fc.assert(
    fc.property(fc.array(size, { maxLength: 40 }), (sizes) => {
      const alerts = sizes.map((bytes) => {
        const text = "\0".repeat(bytes);
        return { entry: entryOf(statusChange(text, "FAILED", { orderId: text })) };
      });
      const batches = publishBatches(alerts);
      assert.deepEqual(batches.flat(), alerts);
      for (const batch of batches) {
        assert.ok(batch.length >= 1 && batch.length <= 10);
        assert.ok(batch.reduce((bytes, { entry }) => bytes + countedBytes(entry), 0) <= 262_144);
      }
    }),
  );
});

test("R6 ten small alerts share one batch", () => {
  const alerts = Array.from({ length: 25 }, () => ({ entry: entryOf(statusChange("NEW", "FAILED")) }));
  assert.deepEqual(
    publishBatches(alerts).map(({ length }) => length),
    [10, 10, 5],
  );
});
