// @ts-check
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { auditKey } from "../../../lambda/order-processor/audit.mjs";
import { onTestClock, standIn, startEnvironment } from "./environment.mjs";
import { statusChange } from "./records.mjs";

// A model of Lambda's event source mapping with a parallelization factor
// (https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html): the records of a shard
// go to lanes, those of one item always to the same. Each lane delivers its batches in order, and retries and
// bisects by itself; lanes know nothing of one another.

/** @typedef {import("./records.mjs").OrderRecord} OrderRecord */
/** @typedef {import("./stand-in.mjs").Fault} Fault */
/** @typedef {ReturnType<typeof import("../../../lambda/order-processor/audit.mjs").auditRecord>} AuditRecord */
/** @typedef {"retry" | "bisect"} Reaction what Lambda does when the handler throws */
/**
 * The execution environment ends with this call, whose work is done nevertheless, is done late, or is not.
 * @typedef {{ kill: true, done?: boolean, doneAfter?: number }} Kill
 */
/** @typedef {Fault | Kill | undefined} Trouble */
/** @typedef {ReturnType<typeof deliveries> extends fc.Arbitrary<infer T> ? T : never} Delivery */

after(() => standIn.stop());

const FAILURES = ["FAILED", "PAYMENT_FAILED"];
const IDS = ["a", "b", "a/b"];
const TIMESTAMPS = ["1", "2"];
const MOST_LANES = 10;
// `make check` asks for fewer.
const RUNS = Number(process.env.EXAMPLES ?? 40);

/** @type {import("./environment.mjs").Environment[]} */
const environments = [];
while (environments.length < MOST_LANES) environments.push(await startEnvironment());

class Lane {
  /** @type {OrderRecord[]} what is being processed */
  batch = [];
  isKilled = false;
  #environment;

  /** @param {import("./environment.mjs").Environment} environment */
  constructor(environment) {
    this.#environment = environment;
  }

  /**
   * Delivers a batch until the handler succeeds, whole again or in halves.
   * @param {OrderRecord[]} batch
   * @param {Iterator<Reaction>} reaction
   */
  async deliver(batch, reaction) {
    for (;;) {
      this.batch = batch;
      this.isKilled = false;
      const error = await this.#environment.run(batch);
      if (error === undefined && !this.isKilled) return;
      if (batch.length > 1 && reaction.next().value === "bisect") {
        const half = Math.ceil(batch.length / 2);
        await this.deliver(batch.slice(0, half), reaction);
        await this.deliver(batch.slice(half), reaction);
        return;
      }
    }
  }
}

// Changes of few items, so that many have a history within one batch; an undefined status removes the item.
const changes = fc.array(
  fc.record({
    orderId: fc.constantFrom(...IDS),
    timestamp: fc.constantFrom(...TIMESTAMPS),
    status: fc.constantFrom(undefined, "NEW", "PAID", ...FAILURES),
  }),
  { minLength: 1, maxLength: 30 },
);

const DROPPED = { status: 403, code: "AccessDenied" };
/** @type {fc.Arbitrary<Trouble>} entries that SNS refuses */
const REFUSAL = fc.constantFrom(
  { refused: ["0"] },
  { refused: Array.from({ length: 9 }, (_, n) => String(n + 1)) },
);
const soon = fc.integer({ min: 0, max: 12 });
/** @type {fc.Arbitrary<Trouble>[]} */
const PROMPT = [
  fc.constantFrom(
    .../** @type {Trouble[]} */ ([
      DROPPED,
      { status: 503, code: "SlowDown" },
      { status: 500, code: "InternalError", done: true },
      { status: 400, code: "BadRequest", done: true },
      "hang",
      "hang in body",
      { kill: true },
      { kill: true, done: true },
    ]),
  ),
];
/** @type {fc.Arbitrary<Trouble>[]} */
const LATE = [
  soon.map((doneAfter) => ({ doneAfter })),
  soon.map((doneAfter) => ({ kill: /** @type {const} */ (true), doneAfter })),
];

/** @param {fc.Arbitrary<Trouble>[]} kinds */
const troubles = (kinds) =>
  fc.array(fc.oneof({ weight: kinds.length, arbitrary: fc.constant(undefined) }, ...kinds), {
    maxLength: 40,
  });

/** @param {fc.Arbitrary<Trouble>[]} kinds */
const deliveries = (kinds) =>
  fc.record({
    changed: changes,
    // What happens to the calls of a service, one after the other; when none is left, all goes well.
    trouble: fc.record({
      s3: troubles(kinds),
      sns: troubles([...kinds, REFUSAL]),
      dynamodb: fc.array(fc.constantFrom(undefined, DROPPED, /** @type {Trouble} */ ("hang")), {
        maxLength: 4,
      }),
    }),
    laneCount: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: MOST_LANES })),
    // The number of each item's lane, before it is brought into the lanes that there are.
    laneOfItem: fc.array(fc.nat(MOST_LANES - 1), { minLength: 6, maxLength: 6 }),
    reactions: fc.array(
      fc.constantFrom(/** @type {Reaction} */ ("retry"), /** @type {Reaction} */ ("bisect")),
    ),
    batchSizes: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
    // Whether a batch comes again although it was processed.
    again: fc.array(fc.boolean()),
  });

/**
 * The stream's records of the changes, leaving out those that change nothing. Their numbers begin with 9 and 10, which
 * as text are in another order.
 * @param {{ orderId: string, timestamp: string, status: string | undefined }[]} changed
 */
function stream(changed) {
  /** @type {Map<string, string | undefined>} */
  const statuses = new Map();
  const records = changed.flatMap(({ status, ...item }) => {
    const id = JSON.stringify(item);
    const oldStatus = statuses.get(id);
    if (oldStatus === undefined && status === undefined) return [];
    statuses.set(id, status);
    return [statusChange(oldStatus, status, item)];
  });
  for (const [index, { dynamodb }] of records.entries()) dynamodb.SequenceNumber = String(9 + index);
  return records;
}

/** The key of the item that a call is about; undefined for a count. @param {import("./stand-in.mjs").Call} call */
function keyOfCall(call) {
  if (call.service === "s3") return call.key;
  if (call.service === "sns") return JSON.parse(call.entries[0].Message).auditObject.key;
  return undefined;
}

/**
 * Delivers the records over the lanes, all at once.
 * @param {OrderRecord[]} records
 * @param {Delivery} delivery
 */
async function deliver(records, { trouble, laneCount, laneOfItem, reactions, batchSizes, again }) {
  standIn.reset();
  const lanes = environments.slice(0, laneCount).map((environment) => new Lane(environment));
  const keys = [...new Set(records.map(auditKey))];
  /** @param {string} key */
  const laneOf = (key) => lanes[laneOfItem[keys.indexOf(key)] % laneCount];
  const pending = { s3: trouble.s3.values(), sns: trouble.sns.values(), dynamodb: trouble.dynamodb.values() };
  const reaction = reactions.values();
  /** @type {string[]} */
  const early = [];
  standIn.fault = (call) => {
    const key = keyOfCall(call);
    const lane = key === undefined ? undefined : laneOf(key);
    if (lane?.isKilled) return DROPPED;
    if (lane && call.service === "sns") early.push(...notStored(lane.batch));
    const next = pending[call.service].next().value;
    if (next === undefined || typeof next === "string" || !("kill" in next)) return next;
    if (lane) lane.isKilled = true;
    return { ...next, ...DROPPED };
  };
  const run = async (/** @type {Lane} */ lane) => {
    const own = records.filter((record) => laneOf(auditKey(record)) === lane);
    for (let start = 0, n = 0; start < own.length; n++) {
      const batch = own.slice(start, start + batchSizes[n % batchSizes.length]);
      await lane.deliver(batch, reaction);
      if (again[n]) await lane.deliver(batch, reaction);
      start += batch.length;
    }
  };
  await onTestClock(() => Promise.all(lanes.map(run)));
  standIn.catchUp();
  assert.deepEqual(early, [], "alerts before an audit record of their batch");
}

/** The records of which S3 has no version. @param {OrderRecord[]} records */
function notStored(records) {
  const stored = new Set(standIn.puts.map(({ body }) => JSON.parse(body).eventId));
  return records.flatMap(({ eventID }) => (stored.has(eventID) ? [] : [eventID]));
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 */
function groupBy(items, keyOf) {
  /** @type {Map<string, T[]>} */
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** The audit records of each object that S3 has, in the order in which it got them. */
const versions = () =>
  groupBy(
    standIn.puts.map(({ key, body }) => ({ key, .../** @type {AuditRecord} */ (JSON.parse(body)) })),
    ({ key }) => key,
  );

/**
 * The order of a history (docs/operations.md): by sequence number, as an integer.
 * @param {AuditRecord[]} records
 */
const inReadersOrder = (records) =>
  records.toSorted((a, b) => Number(BigInt(a.sequenceNumber ?? "") - BigInt(b.sequenceNumber ?? "")));

/** The event ids, each where it came first. @param {AuditRecord[]} records */
const firstWrites = (records) => [...new Set(records.map(({ eventId }) => eventId))];

/** The event ids, without those that repeat the one before. @param {AuditRecord[]} records */
const withoutRepetitions = (records) =>
  records.map(({ eventId }) => eventId).filter((id, index, ids) => id !== ids[index - 1]);

/**
 * The changes of each item, in stream order.
 * @param {OrderRecord[]} records
 */
function histories(records) {
  return new Map(
    [...groupBy(records, auditKey)].map(([key, own]) => [key, own.map(({ eventID }) => eventID)]),
  );
}

/**
 * Each entry into a failure is alerted at least once, nothing else is.
 * @param {OrderRecord[]} records
 */
function checkAlerts(records) {
  const entering = records.filter(({ dynamodb: { OldImage, NewImage } }) => {
    const status = NewImage?.status.S ?? "";
    return FAILURES.includes(status) && status !== OldImage?.status.S;
  });
  const alerted = standIn.published.map(({ Message }) => JSON.parse(Message).eventId);
  assert.deepEqual(new Set(alerted), new Set(entering.map(({ eventID }) => eventID)));
}

test("R1 to R4 and R6 hold over any lanes, with any faults, kills, retries and duplicates", async () => {
  await fc.assert(
    fc.asyncProperty(deliveries(PROMPT), async (delivery) => {
      const records = stream(delivery.changed);
      await deliver(records, delivery);
      // No request outlives its invocation here, so S3's own order is right but for repetitions.
      const stored = new Map([...versions()].map(([key, own]) => [key, firstWrites(own)]));
      assert.deepEqual(stored, histories(records));
      checkAlerts(records);
    }),
    { numRuns: RUNS },
  );
});

test("section 6: the reader's order is right whatever S3 did late", async () => {
  await fc.assert(
    fc.asyncProperty(deliveries([...PROMPT, ...LATE]), async (delivery) => {
      const records = stream(delivery.changed);
      await deliver(records, delivery);
      const read = new Map(
        [...versions()].map(([key, own]) => [key, withoutRepetitions(inReadersOrder(own))]),
      );
      assert.deepEqual(read, histories(records));
      checkAlerts(records);
    }),
    { numRuns: RUNS },
  );
});

test("section 6: a write done late makes S3's current version an old one, which the reader's order repairs", async () => {
  standIn.reset();
  const item = { orderId: "a", timestamp: "1" };
  const [placed, paid] = stream(["NEW", "PAID"].map((status) => ({ ...item, status })));
  const isFirst = () => standIn.calls.length === 1;
  // The function gives up on the first write and repeats it; S3 does it after the second change's.
  standIn.fault = () => (isFirst() ? { doneAfter: 2 } : undefined);
  const { error } = await environments[0].invoke([placed, paid]);
  standIn.catchUp();
  assert.equal(error, undefined);
  const [[, own]] = versions();
  const order = [placed, paid, placed].map(({ eventID }) => eventID);
  assert.deepEqual(
    own.map(({ eventId }) => eventId),
    order,
  );
  assert.deepEqual(withoutRepetitions(inReadersOrder(own)), [placed.eventID, paid.eventID]);
  assert.equal(inReadersOrder(own).at(-1)?.eventId, paid.eventID);
});
