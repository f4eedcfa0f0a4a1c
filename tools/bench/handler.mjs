// @ts-check
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  answer,
  batch,
  describeMachine,
  fork,
  positiveInteger,
  printTable,
  UsageError,
} from "./processes.mjs";

const USAGE = `usage: node tools/bench/handler.mjs [--rounds N] [--sizes N,...]

Measures the order processor against stand-ins for S3, SNS and DynamoDB that answer after about 20 ms: batches
of different objects and of objects with ten versions each, beside a bare loop of SDK calls, a sequential
handler and an unordered, unbounded Promise.all. Each measurement has a process of its own, and so have the
stand-ins. Prints the medians of the rounds and the targets; the exit status is 1 when one of these is missed.

  --rounds N     measurements of each kind (3); the sequential handler has one
  --sizes N,...  records per batch (100,1000,10000); the sequential handler takes no part above 1000`;

// The time of an answer varies around 20 ms, as it does in a network: calls at once may overtake one another.
const SHORTEST_ANSWER_MS = 15;
const LONGEST_ANSWER_MS = 25;
const VERSIONS = 10;
const WARM_UP = 300;
const SEQUENTIAL_LIMIT = 1_000;
const HANDLER = "../../lambda/order-processor/index.mjs";
const OWN = "order processor";

/** @typedef {import("../../lambda/order-processor/audit.mjs").OrderRecord} OrderRecord */
/** @typedef {(records: OrderRecord[]) => Promise<unknown>} Run */
/** @typedef {{ wallMs: number, cpuMs: number, peakMb: number, outOfOrder: number }} Measurement */

async function s3Sdk() {
  const { PutObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
  const { auditKey, auditRecord } = await import("../../lambda/order-processor/audit.mjs");
  /** @param {OrderRecord} record */
  const put = (record) =>
    new PutObjectCommand({
      Bucket: "audit",
      Key: auditKey(record),
      Body: JSON.stringify(auditRecord(record, new Date())),
      ContentType: "application/json",
    });
  return { S3Client, put };
}

/**
 * Puts in a loop over so many connections, of requests that are made beforehand: what the SDK itself costs.
 * @param {number} connections
 * @param {object} [settings]
 * @returns {Promise<(records: OrderRecord[]) => Promise<Run>>}
 */
async function bareSdk(connections, settings) {
  const { S3Client, put } = await s3Sdk();
  const httpAgent = { keepAlive: true, maxSockets: connections };
  const s3 = new S3Client({ requestHandler: { httpAgent }, ...settings });
  return async (records) => {
    const puts = records.map(put).values();
    return async () => {
      const send = async () => {
        for (const command of puts) await s3.send(command);
      };
      await Promise.all(Array.from({ length: connections }, send));
    };
  };
}

/**
 * What is compared, by name. Each imports only what it needs, makes ready for the records, then runs.
 * @type {Record<string, () => Promise<(records: OrderRecord[]) => Promise<Run>>>}
 */
const VARIANTS = {
  [OWN]: async () => {
    const { handler } = await import(HANDLER);
    return async () => (records) =>
      handler({ Records: records }, { getRemainingTimeInMillis: () => 900_000 });
  },
  "bare SDK loop, 50": () => bareSdk(50),
  "bare SDK loop, 100": () => bareSdk(100),
  "bare SDK loop, 50, tuned": () =>
    bareSdk(50, { requestChecksumCalculation: "WHEN_REQUIRED", cacheMiddleware: true }),
  sequential: async () => {
    const { S3Client, put } = await s3Sdk();
    const s3 = new S3Client({});
    return async () => async (records) => {
      for (const record of records) await s3.send(put(record));
    };
  },
  "unbounded, unordered": async () => {
    const { S3Client, put } = await s3Sdk();
    const s3 = new S3Client({});
    return async () => (records) => Promise.all(records.map((record) => s3.send(put(record))));
  },
};

const BARE_LOOPS = Object.keys(VARIANTS).filter((name) => name.startsWith("bare"));

/** The process of the services: sends its URL, then, whenever asked, the versions that came out of order. */
async function serve() {
  const { StandIn } = await import("../../tests/lambda/order-processor/stand-in.mjs");
  const standIn = new StandIn();
  /** @type {Map<string, bigint>} */
  const newest = new Map();
  let outOfOrder = 0;
  standIn.fault = async (call) => {
    standIn.calls.length = 0;
    standIn.accepted.length = 0;
    await delay(SHORTEST_ANSWER_MS + Math.random() * (LONGEST_ANSWER_MS - SHORTEST_ANSWER_MS));
    if (call.service === "s3") {
      const sequenceNumber = BigInt(call.body.match(/"sequenceNumber":"(\d+)"/)?.[1] ?? 0);
      if (sequenceNumber < (newest.get(call.key) ?? 0n)) outOfOrder += 1;
      newest.set(call.key, sequenceNumber);
    }
    return undefined;
  };
  await standIn.start();
  process.on("disconnect", () => process.exit());
  process.on("message", () => {
    process.send?.({ outOfOrder });
    outOfOrder = 0;
    newest.clear();
  });
  process.send?.({ url: standIn.url });
}

/**
 * The process of one measurement.
 * @param {string} variant
 * @param {number} size
 * @param {number} versions
 */
async function measure(variant, size, versions) {
  console.info = console.log = () => {};
  const prepare = await VARIANTS[variant]();
  const warmUp = await batch(variant === "sequential" ? WARM_UP / 10 : WARM_UP, 1, "warm-up");
  await (await prepare(warmUp))(warmUp);
  const records = await batch(size, versions, "order");
  const run = await prepare(records);
  const started = performance.now();
  const cpu = process.cpuUsage();
  await run(records);
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  process.send?.({ wallMs, cpuMs: (user + system) / 1_000, peakMb: process.resourceUsage().maxRSS / 1_024 });
  process.disconnect();
}

/** The process of a cold start: imports the handler piece by piece, what the clients share with the first. */
async function measureImports() {
  console.info = () => {};
  const pieces = ["@aws-sdk/client-s3", "@aws-sdk/client-sns", "@aws-sdk/client-dynamodb", HANDLER];
  const times = [];
  for (const piece of pieces) {
    const started = performance.now();
    await import(piece);
    times.push(performance.now() - started);
  }
  process.send?.({ times, peakMb: process.resourceUsage().maxRSS / 1_024 });
  process.disconnect();
}

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** @param {Measurement[]} rounds @returns {Measurement} */
const medians = (rounds) => ({
  wallMs: median(rounds.map(({ wallMs }) => wallMs)),
  cpuMs: median(rounds.map(({ cpuMs }) => cpuMs)),
  peakMb: Math.max(...rounds.map(({ peakMb }) => peakMb)),
  outOfOrder: Math.max(...rounds.map(({ outOfOrder }) => outOfOrder)),
});

/**
 * @param {import("node:child_process").ChildProcess} services
 * @param {string} url
 * @param {{ size: number, versions: number, rounds: number }} scenario
 * @returns {Promise<Record<string, Measurement>>}
 */
async function measureScenario(services, url, { size, versions, rounds }) {
  const names = Object.keys(VARIANTS).filter((name) => name !== "sequential" || size <= SEQUENTIAL_LIMIT);
  /** @type {Record<string, Measurement[]>} */
  const measured = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      if (name === "sequential" && round > 0) continue;
      console.error(`round ${round + 1}: ${size} records, ${versions} versions each, ${name}`);
      const measurement = await answer(
        fork(import.meta.url, ["measure", name, String(size), String(versions)], url),
      );
      services.send("report");
      measured[name].push({ ...measurement, ...(await answer(services)) });
    }
  }
  return Object.fromEntries(names.map((name) => [name, medians(measured[name])]));
}

/** @param {string} title @param {number} size @param {Record<string, Measurement>} measured */
function printScenario(title, size, measured) {
  console.log(`\n${title}`);
  printTable([
    ["", "records/s", "wall ms", "CPU s/1000", "peak MB", "out of order"],
    ...Object.entries(measured).map(([name, { wallMs, cpuMs, peakMb, outOfOrder }]) => [
      name,
      Math.round((size / wallMs) * 1_000),
      Math.round(wallMs),
      (cpuMs / size).toFixed(2),
      Math.round(peakMb),
      outOfOrder,
    ]),
  ]);
}

/** @param {number} rounds */
async function printColdStart(rounds) {
  /** @type {{ times: number[], peakMb: number }[]} */
  const measured = [];
  for (let round = 0; round < rounds; round++)
    measured.push(await answer(fork(import.meta.url, ["imports"])));
  const [s3, sns, dynamodb, own] = [0, 1, 2, 3].map((piece) =>
    median(measured.map(({ times }) => times[piece])),
  );
  const total = median(measured.map(({ times }) => times.reduce((sum, time) => sum + time)));
  console.log("\ncold start");
  printTable([
    ["", "ms"],
    ["S3 client, and what the clients share", Math.round(s3)],
    ["SNS client", Math.round(sns)],
    ["DynamoDB client", Math.round(dynamodb)],
    ["the handler's own code, making the clients", Math.round(own)],
    ["import of the handler", Math.round(total)],
    ["peak MB after it", Math.round(median(measured.map(({ peakMb }) => peakMb)))],
  ]);
}

/**
 * @param {Map<string, Record<string, Measurement>>} results by size and versions
 * @returns {boolean} whether every target that was measured is met
 */
function printTargets(results) {
  /** @type {{ target: string, value: number, met: boolean }[]} */
  const targets = [];
  /** @param {string} target @param {number} value @param {number} limit @param {"least" | "most"} kind */
  const check = (target, value, limit, kind) =>
    targets.push({ target, value, met: kind === "least" ? value >= limit : value <= limit });

  const thousand = results.get("1000 records, all objects different");
  if (thousand) {
    const own = thousand[OWN];
    const bare = BARE_LOOPS.map((name) => thousand[name]);
    const sequential = thousand.sequential.wallMs / own.wallMs;
    check("1000 different objects: at least 18 times as fast as sequential", sequential, 18, "least");
    const wall = own.wallMs / Math.min(...bare.map(({ wallMs }) => wallMs));
    check("1000 different objects: wall time at most 1.2 times the best bare loop's", wall, 1.2, "most");
    const cpu = own.cpuMs / Math.min(...bare.map(({ cpuMs }) => cpuMs));
    check("1000 different objects: CPU at most 1.15 times the best bare loop's", cpu, 1.15, "most");
  }
  const peak = Math.max(...[...results.values()].map((measured) => measured[OWN].peakMb));
  check("peak memory under 200 MB in every batch", peak, 199.9, "most");
  const outOfOrder = Math.max(...[...results.values()].map((measured) => measured[OWN].outOfOrder));
  check("no version out of order in any batch", outOfOrder, 0, "most");

  console.log("\ntargets");
  printTable(targets.map(({ target, value, met }) => [target, value.toFixed(2), met ? "met" : "MISSED"]));
  return targets.every(({ met }) => met);
}

/** @param {{ rounds: number, sizes: number[] }} options */
async function benchmark({ rounds, sizes }) {
  console.log(describeMachine());
  console.log(
    `medians of ${rounds} rounds (peak: the highest); ${SHORTEST_ANSWER_MS} to ${LONGEST_ANSWER_MS} ms per answer`,
  );
  const services = fork(import.meta.url, ["serve"]);
  try {
    const { url } = await answer(services);
    /** @type {Map<string, Record<string, Measurement>>} */
    const results = new Map();
    for (const size of sizes) {
      for (const versions of [1, VERSIONS]) {
        const title = `${size} records, ${versions === 1 ? "all objects different" : `${versions} versions each`}`;
        const measured = await measureScenario(services, url, { size, versions, rounds });
        printScenario(title, size, measured);
        results.set(title, measured);
      }
    }
    await printColdStart(rounds);
    return printTargets(results);
  } finally {
    services.kill();
  }
}

/** @param {string[]} args */
function parseOptions(args) {
  const options = /** @type {const} */ ({
    rounds: { type: "string", default: "3" },
    sizes: { type: "string", default: "100,1000,10000" },
    help: { type: "boolean", default: false },
  });
  try {
    const { rounds, sizes, help } = parseArgs({ args, options }).values;
    return {
      help,
      rounds: positiveInteger("--rounds", rounds),
      sizes: sizes.split(",").map((size) => positiveInteger("--sizes", size)),
    };
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

/** @param {string[]} args */
async function main(args) {
  const options = parseOptions(args);
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  return (await benchmark(options)) ? 0 : 1;
}

const [role, ...rest] = process.argv.slice(2);
if (role === "--role") {
  const [name, variant, size, versions] = rest;
  if (name === "serve") await serve();
  else if (name === "imports") await measureImports();
  else await measure(variant, Number(size), Number(versions));
} else {
  process.on("SIGINT", () => process.exit(130));
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`bench_handler: ${error.message}`);
    process.exitCode = 2;
  }
}
