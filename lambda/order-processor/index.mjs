// @ts-check
import { DynamoDBClient, paginateQuery } from "@aws-sdk/client-dynamodb";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { PublishBatchCommand, SNSClient } from "@aws-sdk/client-sns";
import { alertEntry, enteredFailure, publishBatches } from "./alert.mjs";
import { auditKey, auditRecord } from "./audit.mjs";

/** @typedef {import("./audit.mjs").OrderRecord} OrderRecord */
/** @typedef {() => void} TimeCheck throws when the invocation is too near its end to start another call */

// Enough to hide 20 ms answers from a whole CPU, of which 256 MB get a seventh. After a freeze of the function all
// may turn out closed at once: each costs a retry, and the SDK allows 35 of these in a row.
const S3_CONNECTIONS = 32;
const SNS_CONNECTIONS = 10;

// A hung call: three attempts, each 4 s until the response begins and 4 s of silence in it, and the backoff.
const LONGEST_CALL_MS = 26_000;
const REPORTING_MS = 4_000;
const COUNT_TIMEOUT_MS = 5_000;
const HOUR_MS = 3_600_000;

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

/** @param {number} maxSockets */
const clientSettings = (maxSockets) => ({
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: 4_000,
    throwOnRequestTimeout: true,
    socketTimeout: 4_000,
    httpsAgent: { keepAlive: true, maxSockets },
  },
});

const s3 = new S3Client({
  ...clientSettings(S3_CONNECTIONS),
  // The signature covers the body's SHA-256 and S3 verifies it: a CRC besides would add nothing.
  requestChecksumCalculation: "WHEN_REQUIRED",
  // One middleware stack for all calls saves a seventh of their CPU. Calls with options would not use it.
  cacheMiddleware: true,
});
const sns = new SNSClient(clientSettings(SNS_CONNECTIONS));
const dynamodb = new DynamoDBClient(clientSettings(SNS_CONNECTIONS));

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
 * @param {TimeCheck} checkTime
 * @returns the number of objects and of records not stored
 */
async function storeAuditRecords(records, checkTime) {
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
        checkTime();
        await s3.send(
          new PutObjectCommand({
            Bucket: auditBucket,
            Key: key,
            Body: JSON.stringify(auditRecord(record, new Date())),
            ContentType: "application/json",
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
 * How many orders of the last hour have the status, as far as the index knows yet; null when the query fails.
 * @param {string} status
 */
async function countLastHour(status) {
  try {
    const pages = paginateQuery(
      { client: dynamodb },
      {
        TableName: ordersTable,
        IndexName: statusIndex,
        Select: "COUNT",
        KeyConditionExpression: "#status = :status AND #timestamp >= :since",
        ExpressionAttributeNames: { "#status": "status", "#timestamp": "timestamp" },
        ExpressionAttributeValues: {
          ":status": { S: status },
          ":since": { N: String(Date.now() - HOUR_MS) },
        },
      },
      { abortSignal: AbortSignal.timeout(COUNT_TIMEOUT_MS) },
    );
    let count = 0;
    for await (const page of pages) count += page.Count ?? 0;
    return count;
  } catch (error) {
    console.warn({ event: "orders not counted", ...describeError(error) });
    return null;
  }
}

/**
 * Publishes an alert for each record whose order enters a failure status.
 * @param {OrderRecord[]} records
 * @param {TimeCheck} checkTime
 * @returns the number of alerts due and of those not published
 */
async function publishAlerts(records, checkTime) {
  const entering = records.flatMap((record) => {
    const status = enteredFailure(record, failureStatuses);
    return status === undefined ? [] : [{ record, status }];
  });
  /** @type {Map<string, number | null>} */
  const counts = new Map();
  await forEachConcurrently(
    new Set(entering.map(({ status }) => status)),
    SNS_CONNECTIONS,
    async (status) => {
      counts.set(status, await countLastHour(status));
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
      checkTime();
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
  const checkTime = () => {
    if (context.getRemainingTimeInMillis() < LONGEST_CALL_MS + REPORTING_MS) {
      throw Object.assign(new Error("too late to start another call"), { name: "OutOfTime" });
    }
  };

  const audit = await storeAuditRecords(records, checkTime);
  // No alert goes out before every audit record of the batch is stored.
  const alert = audit.failures > 0 ? undefined : await publishAlerts(records, checkTime);

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
