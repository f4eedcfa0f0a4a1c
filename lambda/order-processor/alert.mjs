// @ts-check

/** @typedef {import("./audit.mjs").OrderRecord} OrderRecord */
/** @typedef {import("./order-counts.mjs").OrderCount} OrderCount */

/**
 * An entry of a PublishBatch request, without its id.
 * @typedef {ReturnType<typeof alertEntry>} AlertEntry
 */

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
 * Text in the characters SNS accepts, those of XML 1.0.
 * @param {string} text
 */
const legalText = (text) => text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");

/**
 * JSON in the characters SNS accepts. JSON itself escapes control characters and lone surrogates.
 * @param {unknown} value
 */
const legalJson = (value) =>
  JSON.stringify(value, null, 2).replace(
    /[\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16)}`,
  );

/**
 * A subject in what SNS accepts, printable ASCII of fewer than 100 characters.
 * @param {string} text
 */
function legalSubject(text) {
  const printable = text.replace(/[^\x20-\x7e]/gu, "?");
  return printable.length <= MAX_SUBJECT ? printable : `${printable.slice(0, MAX_SUBJECT - 3)}...`;
}

/**
 * The alert of a change that enters a failure status.
 * @param {OrderRecord} record
 * @param {{ status: string, bucket: string, key: string, ordersInLastHour: OrderCount | null }} facts
 *   the status entered, where the audit object is, and how many orders have that status in the last hour
 */
export function alertEntry({ dynamodb, eventID }, { status, bucket, key, ordersInLastHour }) {
  const orderId = dynamodb.Keys.orderId.S;
  const alert = {
    orderId,
    timestamp: dynamodb.Keys.timestamp.N,
    oldStatus: dynamodb.OldImage?.status?.S ?? null,
    newStatus: status,
    auditObject: { bucket, key },
    ordersInStatusLastHour: ordersInLastHour?.orders ?? null,
    ordersInStatusLastHourIsAtLeast: ordersInLastHour?.isAtLeast ?? false,
    eventId: eventID,
  };
  return {
    Subject: legalSubject(`Order entered ${status}: ${orderId}`),
    Message: legalJson(alert),
    MessageAttributes: {
      status: { DataType: "String", StringValue: legalText(status) },
      orderId: { DataType: "String", StringValue: legalText(orderId) },
    },
  };
}

/** @param {AlertEntry} entry */
function entryBytes({ Subject, Message, MessageAttributes }) {
  const texts = [Subject, Message];
  for (const [name, { DataType, StringValue }] of Object.entries(MessageAttributes)) {
    texts.push(name, DataType, StringValue);
  }
  return Buffer.byteLength(texts.join(""));
}

/**
 * The alerts in batches that SNS takes: at most ten, and 256 KiB together. One alert is always far below
 * that, since DynamoDB limits the keys of tables and indexes to 2,048 bytes.
 * @template {{ entry: AlertEntry }} Alert
 * @param {Alert[]} alerts
 */
export function publishBatches(alerts) {
  /** @type {Alert[][]} */
  const batches = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const alert of alerts) {
    const size = entryBytes(alert.entry);
    if (bytes + size > MAX_BATCH_BYTES || batches.at(-1)?.length === MAX_BATCH_ENTRIES) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(alert);
    bytes += size;
  }
  return batches;
}
