// @ts-check
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { invoke, standIn } from "./invoke.mjs";
import { statusChange } from "./records.mjs";

/** @typedef {import("./records.mjs").OrderRecord} OrderRecord */
/** @typedef {"retry" | "bisect"} Reaction what Lambda does when the handler throws */

after(() => standIn.stop());

const FAILURES = ["FAILED", "PAYMENT_FAILED"];

const REFUSE_ALL_BUT_ONE = { refused: Array.from({ length: 9 }, (_, n) => String(n + 1)) };

// Changes of few items, so that many have a history within one batch; an undefined status removes the item.
const changes = fc.array(
  fc.record({
    orderId: fc.constantFrom("a", "b", "a/b"),
    timestamp: fc.constantFrom("1", "2"),
    status: fc.constantFrom(undefined, "NEW", "PAID", ...FAILURES),
  }),
  { minLength: 1, maxLength: 30 },
);
// What happens to the calls, one after the other; when none is left, all goes well.
const faults = fc.array(
  fc.constantFrom(
    undefined,
    undefined,
    undefined,
    { status: 403, code: "AccessDenied" },
    { status: 503, code: "SlowDown" },
    { status: 400, code: "BadRequest", done: true },
    REFUSE_ALL_BUT_ONE,
  ),
  { maxLength: 60 },
);
const reactions = fc.array(
  fc.constantFrom(/** @type {Reaction} */ ("retry"), /** @type {Reaction} */ ("bisect")),
);
const batchSizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 });
const duplicates = fc.array(fc.boolean());

/**
 * The stream's records of the changes, leaving out those that change nothing.
 * @param {{ orderId: string, timestamp: string, status: string | undefined }[]} changed
 */
function stream(changed) {
  /** @type {Map<string, string | undefined>} */
  const statuses = new Map();
  return changed.flatMap(({ status, ...item }) => {
    const id = JSON.stringify(item);
    const oldStatus = statuses.get(id);
    if (oldStatus === undefined && status === undefined) return [];
    statuses.set(id, status);
    return [statusChange(oldStatus, status, item)];
  });
}

/**
 * Delivers a batch as Lambda does: until the handler succeeds, whole again or in halves.
 * @param {OrderRecord[]} batch
 * @param {Iterator<Reaction>} reaction
 */
async function deliver(batch, reaction) {
  for (;;) {
    const { error } = await invoke(batch);
    if (error === undefined) return;
    if (batch.length > 1 && reaction.next().value === "bisect") {
      const half = Math.ceil(batch.length / 2);
      await deliver(batch.slice(0, half), reaction);
      await deliver(batch.slice(half), reaction);
      return;
    }
  }
}

test("R1 to R4 and R6 hold for any changes, faults, retries and duplicates", async () => {
  await fc.assert(
    fc.asyncProperty(
      changes,
      faults,
      reactions,
      batchSizes,
      duplicates,
      async (changed, wrong, reaction, sizes, again) => {
        standIn.reset();
        const pending = wrong.values();
        standIn.fault = () => pending.next().value;
        const records = stream(changed);
        const reacting = reaction.values();
        for (let start = 0, n = 0; start < records.length; n++) {
          const batch = records.slice(start, start + sizes[n % sizes.length]);
          await deliver(batch, reacting);
          if (again[n]) await deliver(batch, reacting);
          start += batch.length;
        }
        checkStored(records);
        checkPublished(records);
      },
    ),
  );
});

/**
 * Every change is in the bucket, each object's versions in stream order with duplicates as the only extra.
 * @param {OrderRecord[]} records
 */
function checkStored(records) {
  /** @type {Map<string, Set<string>>} */
  const firstWrites = new Map();
  for (const { key, body } of standIn.puts) {
    const { eventId } = JSON.parse(body);
    firstWrites.set(key, (firstWrites.get(key) ?? new Set()).add(eventId));
  }
  /** @type {Map<string, Set<string>>} */
  const expected = new Map();
  for (const { eventID, dynamodb } of records) {
    const { orderId, timestamp } = dynamodb.Keys;
    const key = `orders/${orderId.S.replace("/", "%2F")}/${timestamp.N}.json`;
    expected.set(key, (expected.get(key) ?? new Set()).add(eventID));
  }
  const inOrder = (/** @type {Map<string, Set<string>>} */ writes) =>
    [...writes].map(([key, events]) => [key, ...events]).sort();
  assert.deepEqual(inOrder(firstWrites), inOrder(expected));
}

/**
 * Each entry into a failure is alerted at least once, nothing else is, no alert precedes its audit record.
 * @param {OrderRecord[]} records
 */
function checkPublished(records) {
  const stored = new Set();
  const alerted = new Set();
  for (const accepted of standIn.accepted) {
    if (accepted.service === "s3") {
      stored.add(JSON.parse(accepted.body).eventId);
    } else {
      const { eventId } = JSON.parse(accepted.Message);
      assert.ok(stored.has(eventId), "alert without its audit record");
      alerted.add(eventId);
    }
  }
  const entering = records.filter(({ dynamodb: { OldImage, NewImage } }) => {
    const status = NewImage?.status.S ?? "";
    return FAILURES.includes(status) && status !== OldImage?.status.S;
  });
  assert.deepEqual(alerted, new Set(entering.map(({ eventID }) => eventID)));
}
