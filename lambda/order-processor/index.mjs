// @ts-check
import { setMaxListeners } from "node:events";
import { DynamoDBClient, paginateQuery } from "@aws-sdk/client-dynamodb";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { PublishBatchCommand, SNSClient } from "@aws-sdk/client-sns";
import { alertEntry, enteredFailure, publishBatches } from "./alert.mjs";
import { auditKey, auditRecord } from "./audit.mjs";

/** @typedef {import("./audit.mjs").OrderRecord} OrderRecord */
/** @typedef {{ eventId: string, stage: "audit" | "alert", error: unknown }} Failure */

const S3_CONNECTIONS = 50;
const SNS_CONNECTIONS = 10;
// What is left of the invocation's time for logging and throwing when everything hangs.
const REPORTING_MS = 5_000;
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
const failureStatuses = new Set(
  requiredEnv("FAILURE_STATUSES")
    .split(",")
    .map((status) => status.trim()),
);

/**
 * A hung call ends after three attempts of five seconds, well inside the function's 60 s.
 * @param {number} maxSockets
 */
const clientSettings = (maxSockets) => ({
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    throwOnRequestTimeout: true,
    httpsAgent: { keepAlive: true, maxSockets },
  },
});

const s3 = new S3Client({
  ...clientSettings(S3_CONNECTIONS),
  // The signature covers the body's SHA-256 and S3 verifies it; a CRC besides costs CPU and adds nothing.
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
});
const sns = new SNSClient(clientSettings(SNS_CONNECTIONS));
const dynamodb = new DynamoDBClient(clientSettings(SNS_CONNECTIONS));

/**
 * What a log may say of an error. Messages may hold the object's key, that is order data.
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
 * Runs the task for each item, at most `limit` at a time.
 * @template T
 * @param {Iterable<T>} items
 * @param {number} limit
 * @param {(item: T) => Promise<void>} task must not reject
 */
async function forEachConcurrently(items, limit, task) {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

/**
 * Writes every record's audit object: the versions of one object in stream order, different objects
 * concurrently. After a failed version, no later one of the same object is written.
 * @param {OrderRecord[]} records in stream order
 * @param {AbortSignal} abortSignal
 */
async function storeAuditRecords(records, abortSignal) {
  /** @type {Map<string, OrderRecord[]>} */
  const objects = new Map();
  for (const record of records) {
    const key = auditKey(record);
    const versions = objects.get(key);
    if (versions) versions.push(record);
    else objects.set(key, [record]);
  }

  /** @type {Failure[]} */
  const failures = [];
  await forEachConcurrently(objects, S3_CONNECTIONS, async ([key, versions]) => {
    let error;
    for (const record of versions) {
      if (error === undefined) {
        try {
          const put = new PutObjectCommand({
            Bucket: auditBucket,
            Key: key,
            Body: JSON.stringify(auditRecord(record, new Date())),
            ContentType: "application/json",
          });
          await s3.send(put, { abortSignal });
          continue;
        } catch (cause) {
          error = cause;
        }
      }
      failures.push({ eventId: record.eventID, stage: "audit", error });
    }
  });
  return { objects: objects.size, failures };
}

/**
 * How many orders of the last hour have the status, as far as the index knows; null when the query fails.
 * @param {string} status
 * @param {AbortSignal} abortSignal
 */
async function countLastHour(status, abortSignal) {
  try {
    const pages = paginateQuery(
      { client: dynamodb },
      {
        TableName: ordersTable,
        IndexName: "status-timestamp-index",
        Select: "COUNT",
        KeyConditionExpression: "#status = :status AND #timestamp >= :since",
        ExpressionAttributeNames: { "#status": "status", "#timestamp": "timestamp" },
        ExpressionAttributeValues: {
          ":status": { S: status },
          ":since": { N: String(Date.now() - HOUR_MS) },
        },
      },
      { abortSignal: AbortSignal.any([abortSignal, AbortSignal.timeout(COUNT_TIMEOUT_MS)]) },
    );
    let count = 0;
    for await (const page of pages) count += page.Count ?? 0;
    return count;
  } catch (error) {
    console.warn(JSON.stringify({ message: "count of orders unavailable", ...describeError(error) }));
    return null;
  }
}

/**
 * Publishes an alert for each record whose order enters a failure status.
 * @param {OrderRecord[]} records
 * @param {AbortSignal} abortSignal
 */
async function publishAlerts(records, abortSignal) {
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
      counts.set(status, await countLastHour(status, abortSignal));
    },
  );

  const alerts = entering.map(({ record, status }) => ({
    eventId: record.eventID,
    ...alertEntry(record, {
      status,
      bucket: auditBucket,
      key: auditKey(record),
      ordersInLastHour: counts.get(status) ?? null,
    }),
  }));

  /** @type {Failure[]} */
  const failures = [];
  await forEachConcurrently(publishBatches(alerts), SNS_CONNECTIONS, async (batch) => {
    try {
      const { Failed = [] } = await sns.send(
        new PublishBatchCommand({
          TopicArn: alertsTopicArn,
          PublishBatchRequestEntries: batch.map(({ eventId, ...entry }, index) => ({
            Id: String(index),
            ...entry,
          })),
        }),
        { abortSignal },
      );
      for (const { Id, Code } of Failed) {
        failures.push({ eventId: batch[Number(Id)].eventId, stage: "alert", error: { name: Code } });
      }
    } catch (error) {
      for (const { eventId } of batch) failures.push({ eventId, stage: "alert", error });
    }
  });
  return { alerts: alerts.length, failures };
}

/** @param {OrderRecord[]} records */
function oldestAgeMs(records) {
  const created = records.map(
    ({ dynamodb }) => dynamodb.ApproximateCreationDateTime ?? Number.POSITIVE_INFINITY,
  );
  const oldest = created.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return Number.isFinite(oldest) ? Math.round(Date.now() - oldest * 1_000) : null;
}

/**
 * Keeps an audit record of every change in the batch, then alerts about orders that entered a failure status.
 *
 * Throws when anything failed, so that the invocation counts as an error and Lambda retries the batch.
 * @param {{ Records: OrderRecord[] }} event
 * @param {Pick<import("aws-lambda").Context, "getRemainingTimeInMillis">} context
 */
export async function handler({ Records: records }, context) {
  const started = performance.now();
  const deadline = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - REPORTING_MS));
  setMaxListeners(0, deadline);

  const audit = await storeAuditRecords(records, deadline);
  // No alert goes out before all audit records of the batch are stored.
  const alert =
    audit.failures.length === 0 ? await publishAlerts(records, deadline) : { alerts: 0, failures: [] };

  const failures = [...audit.failures, ...alert.failures];
  for (const { eventId, stage, error } of failures) {
    console.error(JSON.stringify({ message: `${stage} failed`, eventId, ...describeError(error) }));
  }
  console.log(
    JSON.stringify({
      message: "batch",
      records: records.length,
      objects: audit.objects,
      auditFailures: audit.failures.length,
      alerts: alert.alerts,
      alertFailures: alert.failures.length,
      durationMs: Math.round(performance.now() - started),
      oldestAgeMs: oldestAgeMs(records),
    }),
  );
  if (failures.length > 0)
    throw new Error(`${failures.length} failures in a batch of ${records.length} records`);
}
