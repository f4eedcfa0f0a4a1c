// @ts-check
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { limitCpu } from "./cpu-share.mjs";
import {
  answer,
  batch,
  describeMachine,
  fork,
  positiveInteger,
  printTable,
  UsageError,
} from "./processes.mjs";

const USAGE = `usage: node tools/bench/storm.mjs [--seconds N] [--rounds N] [--memory MB] [--against REVISION]

Measures the order processor in a storm: quiet, with no order failing, and with every order failing while the
index has 300,000 failed orders of the last hour. Batches of 100 one after the other, at the share of a CPU that
Lambda gives a function of its memory, against stand-ins for S3, SNS and DynamoDB that answer after about 20 ms. Prints
the medians; the exit status is 1 when the storm has less than 60% of the quiet throughput.

The share is a quota of the kernel (control groups) where this user may set one; else records per second are what
the CPU seconds used would allow.

  --seconds N         length of a measurement (35: longer than a count is kept)
  --rounds N          measurements of each kind (1), in turn
  --memory MB         the function's memory (256), at most 1769
  --against REVISION  measure that revision's function too, for instance HEAD~1`;

// Lambda gives a function a whole CPU at 1,769 MB, and its share below.
const WHOLE_CPU_MB = 1_769;
const BATCH = 100;
const FAILED_ORDERS = 300_000;
// A page of a query has 1 MB: orders of 1 KB.
const ORDERS_PER_PAGE = 1_000;
const LEAST_SHARE = 0.6;
const SHORTEST_ANSWER_MS = 15;
const LONGEST_ANSWER_MS = 25;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FUNCTION = "lambda/order-processor";
const HERE = "this tree";

/** @typedef {{ records: number, wallMs: number, cpuMs: number }} Measurement */

/** The process of the services. */
async function serve() {
  const { StandIn } = await import("../../tests/lambda/order-processor/stand-in.mjs");
  const standIn = new StandIn();
  standIn.itemsPerPage = ORDERS_PER_PAGE;
  standIn.pages = FAILED_ORDERS / ORDERS_PER_PAGE;
  standIn.fault = async () => {
    standIn.calls.length = 0;
    standIn.accepted.length = 0;
    await delay(SHORTEST_ANSWER_MS + Math.random() * (LONGEST_ANSWER_MS - SHORTEST_ANSWER_MS));
    return undefined;
  };
  await standIn.start();
  process.on("disconnect", () => process.exit());
  process.send?.({ url: standIn.url });
}

/**
 * The process of one measurement: an execution environment.
 * @param {string} folder of the function
 * @param {string} status that the orders enter
 * @param {number} seconds
 * @param {string} procs the file of its CPU share, if there is one
 */
async function measure(folder, status, seconds, procs) {
  console.info = console.log = console.warn = () => {};
  process.on("disconnect", () => process.exit());
  const { handler } = await import(join(folder, "index.mjs"));
  /** @param {number} number @param {string} status */
  const process_ = async (number, status) =>
    await handler(
      { Records: await batch(BATCH, 1, `order-${number}`, status) },
      { getRemainingTimeInMillis: () => 60_000 },
    );
  for (let n = 0; n < 3; n++) await process_(n, "WARM_UP");
  if (procs) writeFileSync(procs, String(process.pid));

  const started = performance.now();
  const cpu = process.cpuUsage();
  let records = 0;
  while (performance.now() - started < seconds * 1_000) {
    await process_(records, status);
    records += BATCH;
  }
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  process.send?.({ records, wallMs, cpuMs: (user + system) / 1_000 });
  process.disconnect();
}

/**
 * The function of a revision, in a folder from which the AWS SDK is found.
 * @param {string} revision
 */
function checkOut(revision) {
  /** @param {string[]} args */
  const git = (...args) => execFileSync("git", ["-C", ROOT, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let files;
  try {
    files = git("ls-tree", "-r", "--name-only", `${revision}^{commit}`, `${FUNCTION}/`).toString().trim();
  } catch {
    throw new UsageError(`--against: "${revision}" is no revision of this repository`);
  }
  if (!files) throw new UsageError(`--against: "${revision}" has no ${FUNCTION}`);
  const folder = mkdtempSync(join(ROOT, "node_modules", ".bench-"));
  for (const file of files.split("\n")) {
    writeFileSync(join(folder, basename(file)), git("show", `${revision}:${file}`));
  }
  return folder;
}

/** Records per second: by the clock, which a quota slows down, else what the CPU seconds used allow. */
const rate = (/** @type {Measurement} */ { records, wallMs, cpuMs }, /** @type {number} */ share) =>
  (records / Math.max(wallMs, cpuMs / share)) * 1_000;

/** @param {Measurement[]} rounds @param {number} share */
const median = (rounds, share) =>
  rounds.toSorted((a, b) => rate(a, share) - rate(b, share))[Math.floor(rounds.length / 2)];

/**
 * @param {Record<string, string>} folders of the functions, by name
 * @param {{ seconds: number, rounds: number, procs: string }} options
 * @returns {Promise<Record<string, Record<"quiet" | "storm", Measurement[]>>>}
 */
async function measureAll(folders, { seconds, rounds, procs }) {
  const services = fork(import.meta.url, ["serve"]);
  try {
    const { url } = await answer(services);
    const measured = Object.fromEntries(
      Object.keys(folders).map((name) => [
        name,
        { quiet: /** @type {Measurement[]} */ ([]), storm: /** @type {Measurement[]} */ ([]) },
      ]),
    );
    for (let round = 1; round <= rounds; round++) {
      for (const [name, folder] of Object.entries(folders)) {
        for (const weather of /** @type {const} */ (["quiet", "storm"])) {
          console.error(`round ${round}: ${name}, ${weather}, ${seconds} s`);
          const status = weather === "quiet" ? "PAID" : "FAILED";
          const args = ["measure", folder, status, String(seconds), procs];
          measured[name][weather].push(await answer(fork(import.meta.url, args, url)));
        }
      }
    }
    return measured;
  } finally {
    services.kill();
  }
}

/** @param {{ seconds: number, rounds: number, memory: number, against: string | undefined }} options */
async function benchmark({ seconds, rounds, memory, against }) {
  /** @type {Record<string, string>} */
  const folders = { [HERE]: join(ROOT, FUNCTION) };
  if (against !== undefined) folders[against] = checkOut(against);
  const cpuShare = memory / WHOLE_CPU_MB;
  const cpu = limitCpu(cpuShare);
  const removeAll = () => {
    cpu?.remove();
    if (against !== undefined) rmSync(folders[against], { recursive: true, force: true });
  };
  process.on("exit", removeAll);

  console.log(describeMachine());
  console.log(
    `${memory} MB: ${cpuShare.toFixed(3)} of a CPU, ` +
      (cpu ? "by a quota of the kernel" : "computed from CPU seconds: no quota could be set here"),
  );
  const measured = await measureAll(folders, { seconds, rounds, procs: cpu?.procs ?? "" });
  const rows = Object.entries(measured).map(([name, { quiet, storm }]) => {
    const [inQuiet, inStorm] = [median(quiet, cpuShare), median(storm, cpuShare)];
    const [quietRate, stormRate] = [inQuiet, inStorm].map((one) => rate(one, cpuShare));
    return { name, inQuiet, inStorm, quietRate, stormRate, share: stormRate / quietRate };
  });
  printTable([
    ["", "quiet, records/s", "storm, records/s", "storm/quiet", "CPU s/1000 quiet", "storm"],
    ...rows.map(({ name, inQuiet, inStorm, quietRate, stormRate, share }) => [
      name,
      Math.round(quietRate),
      Math.round(stormRate),
      share.toFixed(2),
      (inQuiet.cpuMs / inQuiet.records).toFixed(2),
      (inStorm.cpuMs / inStorm.records).toFixed(2),
    ]),
  ]);
  const isMet = rows[0].share >= LEAST_SHARE;
  console.log(`target: in the storm at least ${LEAST_SHARE} of quiet: ${isMet ? "met" : "MISSED"}`);
  return isMet;
}

/** @param {string} text */
function memoryOf(text) {
  const memory = positiveInteger("--memory", text);
  if (memory < 128 || memory > WHOLE_CPU_MB)
    throw new UsageError(`--memory: ${text} is not from 128 to ${WHOLE_CPU_MB}`);
  return memory;
}

/** @param {string[]} args */
function parseOptions(args) {
  const options = /** @type {const} */ ({
    seconds: { type: "string", default: "35" },
    rounds: { type: "string", default: "1" },
    memory: { type: "string", default: "256" },
    against: { type: "string" },
    help: { type: "boolean", default: false },
  });
  try {
    const { seconds, rounds, memory, against, help } = parseArgs({ args, options }).values;
    return {
      help,
      against,
      seconds: positiveInteger("--seconds", seconds),
      rounds: positiveInteger("--rounds", rounds),
      memory: memoryOf(memory),
    };
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

const [role, name, ...rest] = process.argv.slice(2);
if (role === "--role") {
  const [folder, status, seconds, procs] = rest;
  if (name === "serve") await serve();
  else await measure(folder, status, Number(seconds), procs);
} else {
  process.on("SIGINT", () => process.exit(130));
  process.on("SIGTERM", () => process.exit(143));
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options.help) console.log(USAGE);
    else process.exitCode = (await benchmark(options)) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`storm: ${error.message}`);
    process.exitCode = 2;
  }
}
