// @ts-check
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { PublishBatchCommand, SNSClient } from "@aws-sdk/client-sns";
import { alertEntry, enteredFailure, publishBatches } from "./alert.mjs";
import { auditKey, auditRecord } from "./audit.mjs";
import { OrderCounts } from "./order-counts.mjs";
import { TimeBudget } from "./time-budget.mjs";

/** @typedef {import("./audit.mjs").OrderRecord} OrderRecord */

// Enough to hide 20 ms answers from a whole CPU, of which 256 MB get a seventh. After a freeze of the function all
// may turn out closed at once: each costs a retry, and the SDK allows 35 of these in a row.
const S3_CONNECTIONS = 32;
const SNS_CONNECTIONS = 10;

// What is left of the invocation's time to say what failed.
const REPORTING_MS = 4_000;

/** @param {string} name */
function requiredEnv(name) {
  const value = process.env[name];
  if (!value) throw new Error(`environment variable ${name} is not set`);
  return value;
}

const auditBucket = requiredEnv("AUDIT_BUCKET");
const alertsTopicArn = requiredEnv("ALERTS_TOPIC_ARN");
const ordersTable = requiredEnv("ORDERS_TABLE");
const statusIndex = requiredEnv("STATUS_INDEX");
const failureStatuses = new Set(
  requiredEnv("FAILURE_STATUSES")
    .split(",")
    .map((status) => status.trim()),
);

const budget = new TimeBudget();
const s3 = budget.limit(
  new S3Client({
    maxAttempts: 3,
    // One middleware stack for all calls saves a seventh of their CPU. Calls with options would not use it.
    cacheMiddleware: true,
  }),
  S3_CONNECTIONS,
);
const sns = budget.limit(new SNSClient({ maxAttempts: 3 }), SNS_CONNECTIONS);
const orderCounts = new OrderCounts({
  dynamodb: budget.limit(new DynamoDBClient({ maxAttempts: 3 }), SNS_CONNECTIONS),
  table: ordersTable,
  index: statusIndex,
  warn: (error) => console.warn({ event: "orders not counted", ...describeError(error) }),
});

// The runtime brings the SDK, and a new one without notice. This is the version that it calls itself by.
const [[, sdk] = []] = (await s3.config.defaultUserAgentProvider?.()) ?? [];
console.info({ event: "started", node: process.version, sdk });

/**
 * What a log may say of an error: its message could hold the object's key, and with it order data.
 * @param {unknown} error
 */
function describeError(error) {
  const { name, code, $metadata } = /** @type {any} */ (error);
  return {
    error: name,
    code,
    httpStatus: $metadata?.httpStatusCode,
    requestId: $metadata?.requestId,
    attempts: $metadata?.attempts,
  };
}

/**
 * Objects, not text: Lambda's JSON log format puts an object into the line as it is, and text in quotes.
 * @param {string} event what failed
 * @param {OrderRecord[]} records those it failed for
 * @param {unknown} error
 */
function logFailures(event, records, error) {
  for (const { eventID } of records) {
    console.error({ event, eventId: eventID, ...describeError(error) });
  }
}

/**
 * Runs the task for each item, at most `limit` at a time. The task must not reject.
 * @template T
 * @param {Iterable<T>} items
 * @param {number} limit
 * @param {(item: T) => Promise<void>} task
 */
async function forEachConcurrently(items, limit, task) {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

/**
 * Writes every record's audit object: versions of one object in stream order, different objects concurrently.
 * After a failed version, no later one of the same object is written.
 * @param {OrderRecord[]} records in stream order
 * @returns the number of objects and of records not stored
 */
async function storeAuditRecords(records) {
  /** @type {Map<string, OrderRecord[]>} */
  const objects = new Map();
  for (const record of records) {
    const key = auditKey(record);
    const versions = objects.get(key);
    if (versions) versions.push(record);
    else objects.set(key, [record]);
  }

  let failures = 0;
  await forEachConcurrently(objects, S3_CONNECTIONS, async ([key, versions]) => {
    for (const [index, record] of versions.entries()) {
      try {
        budget.check();
        await s3.send(
          new PutObjectCommand({
            Bucket: auditBucket,
            Key: key,
            Body: JSON.stringify(auditRecord(record, new Date())),
            ContentType: "application/json",
            // A bucket with a lock takes no object without one. Older SDKs send one only when asked.
            ChecksumAlgorithm: "CRC32",
          }),
        );
      } catch (error) {
        const notStored = versions.slice(index);
        logFailures("audit record not stored", notStored, error);
        failures += notStored.length;
        return;
      }
    }
  });
  return { objects: objects.size, failures };
}

/**
 * Publishes an alert for each record whose order enters a failure status.
 * @param {OrderRecord[]} records
 * @returns the number of alerts due and of those not published
 */
async function publishAlerts(records) {
  const entering = records.flatMap((record) => {
    const status = enteredFailure(record, failureStatuses);
    return status === undefined ? [] : [{ record, status }];
  });
  /** @type {Map<string, import("./order-counts.mjs").OrderCount | null>} */
  const counts = new Map();
  await forEachConcurrently(
    new Set(entering.map(({ status }) => status)),
    SNS_CONNECTIONS,
    async (status) => {
      counts.set(status, await orderCounts.lastHour(status));
    },
  );
  const alerts = entering.map(({ record, status }) => {
    const key = auditKey(record);
    const ordersInLastHour = counts.get(status) ?? null;
    return { record, entry: alertEntry(record, { status, bucket: auditBucket, key, ordersInLastHour }) };
  });

  let failures = 0;
  await forEachConcurrently(publishBatches(alerts), SNS_CONNECTIONS, async (batch) => {
    try {
      budget.check();
      const { Failed = [] } = await sns.send(
        new PublishBatchCommand({
          TopicArn: alertsTopicArn,
          PublishBatchRequestEntries: batch.map(({ entry }, index) => ({ Id: String(index), ...entry })),
        }),
      );
      for (const { Id, Code } of Failed) {
        logFailures("alert not published", [batch[Number(Id)].record], { name: Code });
      }
      failures += Failed.length;
    } catch (error) {
      logFailures(
        "alert not published",
        batch.map(({ record }) => record),
        error,
      );
      failures += batch.length;
    }
  });
  return { alerts: alerts.length, failures };
}

/**
 * @param {OrderRecord[]} records
 * @returns the age of the oldest change, null when no record says when it was made
 */
function oldestAgeMs(records) {
  const oldest = records.reduce(
    (seconds, { dynamodb }) => Math.min(seconds, dynamodb.ApproximateCreationDateTime ?? seconds),
    Number.POSITIVE_INFINITY,
  );
  return Number.isFinite(oldest) ? Math.round(Date.now() - oldest * 1_000) : null;
}

/**
 * Keeps an audit record of every change in the batch, then alerts about orders that entered a failure status.
 *
 * Throws when anything failed: the invocation counts as an error, and Lambda retries or bisects the batch.
 * @param {{ Records: OrderRecord[] }} event
 * @param {Pick<import("aws-lambda").Context, "getRemainingTimeInMillis">} context
 */
export async function handler({ Records: records }, context) {
  const started = performance.now();
  budget.start(context.getRemainingTimeInMillis() - REPORTING_MS);

  const audit = await storeAuditRecords(records);
  // No alert goes out before every audit record of the batch is stored.
  const alert = audit.failures > 0 ? undefined : await publishAlerts(records);

  const failures = audit.failures + (alert?.failures ?? 0);
  // A metric filter of the stack counts the records in this line.
  console.log({
    event: "batch processed",
    records: records.length,
    objects: audit.objects,
    notStored: audit.failures,
    alerts: alert?.alerts ?? 0,
    notPublished: alert?.failures ?? 0,
    durationMs: Math.round(performance.now() - started),
    oldestAgeMs: oldestAgeMs(records),
  });
  if (failures > 0) throw new Error(`${failures} failures in a batch of ${records.length} records`);
}
