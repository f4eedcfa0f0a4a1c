// @ts-check
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { OrderCounts } from "../../../lambda/order-processor/order-counts.mjs";

/**
 * Counts over an index that answers page by page, and what was asked of it.
 * @param {(page: number) => Promise<{ Count: number, LastEvaluatedKey?: object }>} answer page counts from 1
 */
function countsOver(answer) {
  /** @type {any[]} */
  const queries = [];
  /** @type {unknown[]} */
  const warnings = [];
  const send = (/** @type {any} */ { input }) => {
    queries.push(input);
    return answer(input.ExclusiveStartKey?.page ?? 1);
  };
  const counts = new OrderCounts({
    dynamodb: /** @type {any} */ ({ send }),
    table: "orders",
    index: "by-status",
    warn: (error) => warnings.push(error),
  });
  return { counts, queries, warnings };
}

/** An index of so many pages. @param {number} pages */
const pagesOf = (pages) => async (/** @type {number} */ page) => ({
  Count: 1_000,
  ...(page < pages && { LastEvaluatedKey: { page: page + 1 } }),
});

const REFUSED = Object.assign(new Error("secret"), { name: "ThrottlingException" });

/** @param {() => Promise<void>} task */
async function onMockedDate(task) {
  mock.timers.enable({ apis: ["Date"], now: 1_700_000_000_000 });
  try {
    await task();
  } finally {
    mock.timers.reset();
  }
}

test("R6 the index is asked for the orders of the last hour", () =>
  onMockedDate(async () => {
    const { counts, queries } = countsOver(pagesOf(1));
    assert.deepEqual(await counts.lastHour("FAILED"), { orders: 1_000, isAtLeast: false });
    const { TableName, IndexName, Select, ExpressionAttributeValues } = queries[0];
    assert.deepEqual([TableName, IndexName, Select], ["orders", "by-status", "COUNT"]);
    assert.deepEqual(ExpressionAttributeValues, {
      ":status": { S: "FAILED" },
      ":since": { N: String(1_700_000_000_000 - 3_600_000) },
    });
  }));

test("R6 a count is the sum of its pages", async () => {
  const { counts } = countsOver(pagesOf(12));
  assert.deepEqual(await counts.lastHour("FAILED"), { orders: 12_000, isAtLeast: false });
});

test("R6 after twelve pages counting ends, and says that there may be more", async () => {
  const { counts, queries } = countsOver(pagesOf(300));
  assert.deepEqual(await counts.lastHour("FAILED"), { orders: 12_000, isAtLeast: true });
  assert.equal(queries.length, 12);
});

test("R6 a count is kept for half a minute, for each status by itself", () =>
  onMockedDate(async () => {
    const { counts, queries } = countsOver(async () => ({ Count: queries.length }));
    const ofBoth = async () =>
      await Promise.all(["FAILED", "REFUSED"].map(async (status) => (await counts.lastHour(status))?.orders));
    assert.deepEqual(await ofBoth(), [1, 2]);
    mock.timers.tick(29_999);
    assert.deepEqual(await ofBoth(), [1, 2]);
    mock.timers.tick(1);
    assert.deepEqual(await ofBoth(), [3, 4]);
  }));

test("R6 a query that failed is not tried again for half a minute", () =>
  onMockedDate(async () => {
    const { counts, queries, warnings } = countsOver(() => Promise.reject(REFUSED));
    for (let n = 0; n < 3; n++) assert.equal(await counts.lastHour("FAILED"), null);
    assert.equal(queries.length, 1);
    assert.deepEqual(warnings, [REFUSED]);
    mock.timers.tick(30_000);
    await counts.lastHour("FAILED");
    assert.equal(queries.length, 2);
  }));

test("R6 what was counted before a page failed counts", async () => {
  const pages = pagesOf(3);
  const { counts, warnings } = countsOver((page) => (page === 3 ? Promise.reject(REFUSED) : pages(page)));
  assert.deepEqual(await counts.lastHour("FAILED"), { orders: 2_000, isAtLeast: true });
  assert.deepEqual(warnings, [REFUSED]);
});
