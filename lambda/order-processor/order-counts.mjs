// @ts-check
import { QueryCommand } from "@aws-sdk/client-dynamodb";

/**
 * How many orders have a status; with `isAtLeast`, that many were counted and there may be more.
 * @typedef {{ orders: number, isAtLeast: boolean }} OrderCount
 */

// A count is a courtesy to the reader of an alert. It must not slow alerts down, least of all when most orders fail.
const KEPT_MS = 30_000;
const MAX_PAGES = 12;
const TIMEOUT_MS = 2_000;
const HOUR_MS = 3_600_000;

/** The orders of the last hour by status, as far as the index knows them, each count kept for half a minute. */
export class OrderCounts {
  #dynamodb;
  #table;
  #index;
  #warn;
  /** @type {Map<string, { count: OrderCount | null, until: number }>} */
  #kept = new Map();

  /**
   * @param {object} options
   * @param {Pick<import("@aws-sdk/client-dynamodb").DynamoDBClient, "send">} options.dynamodb
   * @param {string} options.table
   * @param {string} options.index its index by status and timestamp
   * @param {(error: unknown) => void} options.warn hears of a query that failed
   */
  constructor({ dynamodb, table, index, warn }) {
    this.#dynamodb = dynamodb;
    this.#table = table;
    this.#index = index;
    this.#warn = warn;
  }

  /**
   * The count of orders with the status, of this moment or up to half a minute old; null when the query failed.
   * @param {string} status
   */
  async lastHour(status) {
    const kept = this.#kept.get(status);
    if (kept && Date.now() < kept.until) return kept.count;
    const count = await this.#count(status);
    // Failures are kept too: an index that does not answer must not hold up every batch.
    this.#kept.set(status, { count, until: Date.now() + KEPT_MS });
    return count;
  }

  /**
   * @param {string} status
   * @returns {Promise<OrderCount | null>}
   */
  async #count(status) {
    const abortSignal = AbortSignal.timeout(TIMEOUT_MS);
    const since = String(Date.now() - HOUR_MS);
    let orders = 0;
    let pages = 0;
    /** @type {import("@aws-sdk/client-dynamodb").QueryCommandOutput["LastEvaluatedKey"]} */
    let next;
    try {
      do {
        const page = await this.#dynamodb.send(this.#query(status, since, next), { abortSignal });
        orders += page.Count ?? 0;
        pages += 1;
        next = page.LastEvaluatedKey;
      } while (next && pages < MAX_PAGES);
      return { orders, isAtLeast: next !== undefined };
    } catch (error) {
      this.#warn(error);
      return pages > 0 ? { orders, isAtLeast: true } : null;
    }
  }

  /**
   * @param {string} status
   * @param {string} since epoch milliseconds
   * @param {import("@aws-sdk/client-dynamodb").QueryCommandInput["ExclusiveStartKey"]} start
   */
  #query(status, since, start) {
    return new QueryCommand({
      TableName: this.#table,
      IndexName: this.#index,
      Select: "COUNT",
      KeyConditionExpression: "#status = :status AND #timestamp >= :since",
      ExpressionAttributeNames: { "#status": "status", "#timestamp": "timestamp" },
      ExpressionAttributeValues: { ":status": { S: status }, ":since": { N: since } },
      ExclusiveStartKey: start,
    });
  }
}
