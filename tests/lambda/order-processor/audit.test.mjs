// @ts-check
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { auditKey, auditRecord } from "../../../lambda/order-processor/audit.mjs";
import { streamRecord } from "./records.mjs";
import { anyText } from "./text.mjs";

const RECORDED_AT = new Date("2026-01-02T03:04:05.678Z");

/** An image with every type DynamoDB has. @type {import("./records.mjs").Image} */
const EVERY_TYPE = {
  amount: { N: "12345678901234567890123456789012345678" },
  tiny: { N: "-1.2345678901234567890123456789012345678E-130" },
  huge: { N: "9.9999999999999999999999999999999999999E+125" },
  photo: { B: "AAECAwT/" },
  tags: { SS: ["b", "a"] },
  sizes: { NS: ["1", "2.50"] },
  parts: { BS: ["AA==", "/w=="] },
  empty: { S: "" },
  gone: { NULL: true },
  paid: { BOOL: false },
  lines: { L: [{ M: { sku: { S: "\u{1F4E6} \0\uffff \"'" }, nested: { L: [{ M: {} }] } } }] },
};

test("R7 the key is that of the shared vectors", async () => {
  /** @type {{ orderId: string, timestamp: string, key: string }[]} */
  const vectors = JSON.parse(await readFile(new URL("../../audit_keys.json", import.meta.url), "utf8"));
  assert.ok(vectors.length > 0);
  for (const { orderId, timestamp, key } of vectors) {
    assert.equal(auditKey(streamRecord({ orderId, timestamp })), key);
  }
});

// Any id DynamoDB takes: well-formed text of 1 to 2,048 bytes, of short pieces that are likely to collide.
const orderId = fc
  .array(fc.oneof(fc.constantFrom("a", "/", "%", "%2F", "..", "~", " ", "x".repeat(700)), anyText), {
    minLength: 1,
  })
  .map((pieces) => pieces.join(""))
  .filter((id) => id !== "" && Buffer.byteLength(id) <= 2_048);

test("R7 every id has a key that S3 takes, one path segment of harmless characters", () => {
  fc.assert(
    fc.property(orderId, (id) => {
      const key = auditKey(
        streamRecord({ orderId: id, timestamp: "-9.9999999999999999999999999999999999999E+125" }),
      );
      assert.match(key, /^orders\/([\w-]|%[0-9A-F]{2})+(%?[0-9A-F]?~[0-9a-f]{64})?\/[-+.E0-9]+\.json$/);
      assert.ok(Buffer.byteLength(key) <= 1_024);
    }),
  );
});

test("R7 different ids have different keys", () => {
  fc.assert(
    fc.property(orderId, orderId, (one, other) => {
      const keys = [one, other].map((id) => auditKey(streamRecord({ orderId: id })));
      assert.equal(keys[0] === keys[1], one === other);
    }),
  );
});

test("R1 the audit record says who, what and when", () => {
  const record = streamRecord({ oldImage: { status: { S: "NEW" } }, newImage: { status: { S: "PAID" } } });
  assert.deepEqual(auditRecord(record, RECORDED_AT), {
    orderId: "order-1",
    timestamp: "1700000000000",
    eventName: "MODIFY",
    eventId: record.eventID,
    sequenceNumber: record.dynamodb.SequenceNumber,
    changedAt: "2023-11-14T22:13:20.000Z",
    recordedAt: "2026-01-02T03:04:05.678Z",
    changedBy: null,
    userIdentity: null,
    oldImage: { orderId: { S: "order-1" }, timestamp: { N: "1700000000000" }, status: { S: "NEW" } },
    newImage: { orderId: { S: "order-1" }, timestamp: { N: "1700000000000" }, status: { S: "PAID" } },
  });
});

test("R1 an insert has no old image and a removal no new one", () => {
  const inserted = auditRecord(streamRecord({ newImage: {} }), RECORDED_AT);
  assert.equal(inserted.eventName, "INSERT");
  assert.equal(inserted.oldImage, null);
  const removed = auditRecord(streamRecord({ oldImage: {} }), RECORDED_AT);
  assert.equal(removed.eventName, "REMOVE");
  assert.equal(removed.newImage, null);
});

/** @type {[any, string | null][]} seconds as the stream has them, and the time in the record */
const CHANGE_TIMES = [
  [1_700_000_000, "2023-11-14T22:13:20.000Z"],
  [1_700_000_000.25, "2023-11-14T22:13:20.250Z"],
  [1_700_000_000.019, "2023-11-14T22:13:20.019Z"],
  [0, "1970-01-01T00:00:00.000Z"],
  [undefined, null],
  ["yesterday", null],
  [1e300, null],
];
for (const [seconds, changedAt] of CHANGE_TIMES) {
  test(`R1 a change at second ${seconds} was made at ${changedAt}`, () => {
    const record = streamRecord({ newImage: {} });
    record.dynamodb.ApproximateCreationDateTime = seconds;
    assert.equal(auditRecord(record, RECORDED_AT).changedAt, changedAt);
  });
}

const [ANNA, BEN] = [{ updatedBy: { S: "anna" } }, { updatedBy: { S: "ben" } }];
/** @type {[string, Parameters<typeof streamRecord>[0], string | null][]} */
const CHANGERS = [
  ["an insert is by whom the item names", { newImage: ANNA }, "anna"],
  ["a change is by whom the new image names", { oldImage: ANNA, newImage: BEN }, "ben"],
  ["a change without the attribute is by nobody known", { oldImage: ANNA, newImage: {} }, null],
  ["a removal is not by whom the change before names", { oldImage: ANNA }, null],
  ["an attribute that is no string names nobody", { newImage: { updatedBy: { N: "7" } } }, null],
  ["an empty string names nobody", { newImage: { updatedBy: { S: "" } } }, null],
];
for (const [title, change, changedBy] of CHANGERS) {
  test(`R1 ${title}`, () => {
    assert.equal(auditRecord(streamRecord(change), RECORDED_AT).changedBy, changedBy);
  });
}

test("R1 a removal by time to live says so", () => {
  const userIdentity = { type: "Service", principalId: "dynamodb.amazonaws.com" };
  const record = { ...streamRecord({ oldImage: ANNA }), userIdentity };
  const { userIdentity: stored, changedBy } = auditRecord(record, RECORDED_AT);
  assert.deepEqual(stored, userIdentity);
  assert.equal(changedBy, "dynamodb.amazonaws.com");
});

test("R1 numbers of 38 digits, binary, sets, maps and null survive as JSON", () => {
  const record = streamRecord({ oldImage: EVERY_TYPE, newImage: EVERY_TYPE });
  const stored = JSON.parse(JSON.stringify(auditRecord(record, RECORDED_AT)));
  assert.deepEqual(stored.oldImage, record.dynamodb.OldImage);
  assert.deepEqual(stored.newImage, record.dynamodb.NewImage);
});
