// @ts-check
import { createHash } from "node:crypto";

/**
 * A record of the orders table's stream, as Lambda delivers it.
 * @typedef {import("aws-lambda").DynamoDBRecord & {
 *   eventID: string,
 *   dynamodb: { Keys: { orderId: { S: string }, timestamp: { N: string } } },
 * }} OrderRecord
 */

const MAX_ENCODED_ID = 800;
const KEPT_OF_LONG_ID = 700;

/**
 * The order id as one path segment of an S3 key: every byte but `A-Z a-z 0-9 _ -` percent-encoded.
 *
 * DynamoDB allows ids of 2,048 bytes, S3 keys of 1,024: a longer id keeps its beginning, and its SHA-256
 * makes it unique. `~` never occurs in an encoded id, so the two forms cannot meet.
 * @param {string} orderId
 */
function encodeOrderId(orderId) {
  const encoded = Buffer.from(orderId)
    .toString("latin1")
    .replace(/[^\w-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
  if (encoded.length <= MAX_ENCODED_ID) return encoded;
  return `${encoded.slice(0, KEPT_OF_LONG_ID)}~${createHash("sha256").update(orderId).digest("hex")}`;
}

/**
 * The key of the object whose versions are the history of the record's order item.
 * @param {OrderRecord} record
 */
export function auditKey({ dynamodb: { Keys } }) {
  return `orders/${encodeOrderId(Keys.orderId.S)}/${Keys.timestamp.N}.json`;
}

/**
 * When the change was made, or null when the record does not say: the stream counts seconds since 1970.
 * @param {OrderRecord} record
 */
function changedAt({ dynamodb: { ApproximateCreationDateTime: seconds } }) {
  const time = new Date(Math.round(Number(seconds) * 1_000));
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/**
 * Who made the change, or null when it is not known. DynamoDB names itself for a removal by time to live. All else
 * it keeps to itself: writers may set `updatedBy`, a string, with each change. The old image's `updatedBy` names who
 * made the change before, so a removal by a caller stays without a name.
 * @param {OrderRecord} record
 */
function changedBy({ dynamodb: { NewImage }, userIdentity }) {
  return userIdentity?.principalId || NewImage?.updatedBy?.S || null;
}

/**
 * The audit record of one change. Images stay in DynamoDB's typed JSON, which keeps numbers and binary exact.
 * @param {OrderRecord} record
 * @param {Date} recordedAt
 */
export function auditRecord(record, recordedAt) {
  const { dynamodb, eventID, eventName, userIdentity } = record;
  return {
    orderId: dynamodb.Keys.orderId.S,
    timestamp: dynamodb.Keys.timestamp.N,
    eventName,
    eventId: eventID,
    sequenceNumber: dynamodb.SequenceNumber,
    changedAt: changedAt(record),
    recordedAt: recordedAt.toISOString(),
    changedBy: changedBy(record),
    // Set when the time-to-live process removed the item, null when a caller changed it.
    userIdentity: userIdentity ?? null,
    oldImage: dynamodb.OldImage ?? null,
    newImage: dynamodb.NewImage ?? null,
  };
}
