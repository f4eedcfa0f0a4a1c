// @ts-check

/** @typedef {import("./audit.mjs").OrderRecord} OrderRecord */
/** @typedef {import("@aws-sdk/client-sns").PublishBatchRequestEntry} PublishBatchRequestEntry */

const MAX_BATCH_ENTRIES = 10;
const MAX_BATCH_BYTES = 262_144;
const MAX_SUBJECT = 99;

/**
 * The failure status the record's order enters with this change, or undefined when it enters none.
 * @param {OrderRecord} record
 * @param {ReadonlySet<string>} failureStatuses
 */
export function enteredFailure({ dynamodb }, failureStatuses) {
  const status = dynamodb.NewImage?.status?.S;
  const entered =
    status !== undefined && failureStatuses.has(status) && status !== dynamodb.OldImage?.status?.S;
  return entered ? status : undefined;
}

/**
 * Text in the characters SNS accepts: those of XML 1.0.
 * @param {string} text
 */
const legalText = (text) => text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");

/**
 * A subject in what SNS accepts, printable ASCII of fewer than 100 characters.
 * @param {string} text
 */
function legalSubject(text) {
  const printable = text.replace(/[^\x20-\x7e]/gu, "?");
  return printable.length <= MAX_SUBJECT ? printable : `${printable.slice(0, MAX_SUBJECT - 3)}...`;
}

/**
 * The alert of a change that enters a failure status, without the id that its place in a batch gives it.
 * @param {OrderRecord} record
 * @param {{ status: string, bucket: string, key: string, ordersInLastHour: number | null }} facts
 *   the status entered, where the audit object is, and how many orders have that status in the last hour
 * @returns {Omit<PublishBatchRequestEntry, "Id">}
 */
export function alertEntry({ dynamodb, eventID }, { status, bucket, key, ordersInLastHour }) {
  const orderId = dynamodb.Keys.orderId.S;
  const alert = {
    orderId,
    timestamp: dynamodb.Keys.timestamp.N,
    oldStatus: dynamodb.OldImage?.status?.S ?? null,
    newStatus: status,
    auditObject: { bucket, key },
    ordersInStatusLastHour: ordersInLastHour,
    eventId: eventID,
  };
  return {
    Subject: legalSubject(`Order entered ${status}: ${orderId}`),
    // JSON escapes control characters by itself.
    Message: legalText(JSON.stringify(alert, null, 2)),
    MessageAttributes: {
      status: { DataType: "String", StringValue: legalText(status) },
      orderId: { DataType: "String", StringValue: legalText(orderId) },
    },
  };
}

/** @param {Omit<PublishBatchRequestEntry, "Id">} entry */
function entryBytes({ Subject, Message, MessageAttributes }) {
  const texts = [Subject, Message];
  for (const [name, { DataType, StringValue }] of Object.entries(MessageAttributes ?? {})) {
    texts.push(name, DataType, StringValue);
  }
  return Buffer.byteLength(texts.join(""));
}

/**
 * The alerts in batches that SNS takes: at most ten, and 256 KiB together. One alert is always far below that,
 * since DynamoDB limits table and index keys to 2,048 bytes.
 * @template {Omit<PublishBatchRequestEntry, "Id">} Entry
 * @param {Iterable<Entry>} entries
 */
export function publishBatches(entries) {
  /** @type {Entry[][]} */
  const batches = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const size = entryBytes(entry);
    let batch = batches.at(-1);
    if (batch === undefined || batch.length === MAX_BATCH_ENTRIES || bytes + size > MAX_BATCH_BYTES) {
      batch = [];
      batches.push(batch);
      bytes = 0;
    }
    batch.push(entry);
    bytes += size;
  }
  return batches;
}
