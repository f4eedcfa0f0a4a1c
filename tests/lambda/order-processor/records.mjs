// @ts-check

/** @typedef {import("../../../lambda/order-processor/audit.mjs").OrderRecord} OrderRecord */
/** @typedef {Record<string, import("aws-lambda").AttributeValue>} Image */

let sequenceNumber = 100_000_000_000n;

/**
 * A stream record as Lambda delivers it. It is newer than every record made before it.
 * @param {{ orderId?: string, timestamp?: string, oldImage?: Image, newImage?: Image }} [change]
 * @returns {OrderRecord}
 */
export function streamRecord({ orderId = "order-1", timestamp = "1700000000000", oldImage, newImage } = {}) {
  sequenceNumber += 1n;
  const keys = { orderId: { S: orderId }, timestamp: { N: timestamp } };
  return {
    eventID: `event-${sequenceNumber}`,
    eventName: newImage === undefined ? "REMOVE" : oldImage === undefined ? "INSERT" : "MODIFY",
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: "ap-southeast-1",
    dynamodb: {
      ApproximateCreationDateTime: 1_700_000_000,
      Keys: keys,
      SequenceNumber: String(sequenceNumber),
      SizeBytes: 100,
      StreamViewType: "NEW_AND_OLD_IMAGES",
      ...(oldImage && { OldImage: { ...keys, ...oldImage } }),
      ...(newImage && { NewImage: { ...keys, ...newImage } }),
    },
  };
}

/**
 * A record of an order whose status changes; undefined stands for the item's absence.
 * @param {string | undefined} oldStatus
 * @param {string | undefined} newStatus
 * @param {{ orderId?: string, timestamp?: string }} [item]
 */
export function statusChange(oldStatus, newStatus, item) {
  return streamRecord({
    ...item,
    ...(oldStatus !== undefined && { oldImage: { status: { S: oldStatus } } }),
    ...(newStatus !== undefined && { newImage: { status: { S: newStatus } } }),
  });
}

/**
 * Records of so many orders that fail.
 * @param {number} count
 */
export const failedOrders = (count) =>
  Array.from({ length: count }, (_, n) => statusChange("NEW", "FAILED", { orderId: `order-${n}` }));
