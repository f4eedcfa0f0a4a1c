// @ts-check
import * as childProcess from "node:child_process";
import { once } from "node:events";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";

const IMAGE_BYTES = 400;

const ENVIRONMENT = {
  AWS_REGION: "ap-southeast-1",
  AWS_ACCESS_KEY_ID: "bench",
  AWS_SECRET_ACCESS_KEY: "bench",
  AUDIT_BUCKET: "audit",
  ALERTS_TOPIC_ARN: "arn:aws:sns:ap-southeast-1:123456789012:alerts",
  ORDERS_TABLE: "orders",
  STATUS_INDEX: "status-timestamp-index",
  FAILURE_STATUSES: "FAILED",
};

export class UsageError extends Error {}

/**
 * The value of an option, or a UsageError.
 * @param {string} name
 * @param {string} text
 */
export function positiveInteger(name, text) {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new UsageError(`${name}: "${text}" is not a number from 1 to 999999`);
  return Number(text);
}

/**
 * A batch of changes to orders. Objects with several versions change in turn.
 * @param {number} count
 * @param {number} versions
 * @param {string} prefix of the order ids
 * @param {string} [status] the one that the orders enter
 */
export async function batch(count, versions, prefix, status = "PAID") {
  const { streamRecord } = await import("../../tests/lambda/order-processor/records.mjs");
  const note = { S: "x".repeat(IMAGE_BYTES) };
  return Array.from({ length: count }, (_, n) =>
    streamRecord({
      orderId: `${prefix}-${n % Math.ceil(count / versions)}`,
      oldImage: { status: { S: "NEW" }, note },
      newImage: { status: { S: status }, note },
    }),
  );
}

/**
 * A process that runs the benchmark's file in a role of its own, with the services at the URL.
 * @param {string} file URL of a module
 * @param {string[]} args its name and what else it needs
 * @param {string} [url]
 */
export function fork(file, args, url) {
  const env = { ...process.env, ...ENVIRONMENT, ...(url && { AWS_ENDPOINT_URL: url }) };
  return childProcess.fork(fileURLToPath(file), ["--role", ...args], { env });
}

/** The next message of a process. @param {import("node:child_process").ChildProcess} process */
export async function answer(process) {
  const answered = new AbortController();
  const { signal } = answered;
  const ended = once(process, "exit", { signal }).then(([status]) => {
    throw new Error(`a measuring process ended with status ${status}`);
  });
  try {
    const [message] = await Promise.race([once(process, "message", { signal }), ended]);
    return message;
  } finally {
    answered.abort();
  }
}

/** The machine, for the head of the output. */
export const describeMachine = () =>
  `Node.js ${process.version}, ${cpus().length} CPUs (${cpus()[0].model}), load ${loadavg()[0].toFixed(2)}`;

/** @param {(string | number)[][]} rows */
export function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? String(cell).padEnd(widths[column]) : String(cell).padStart(widths[column]),
    );
    console.log(cells.join("  "));
  }
}
