// @ts-check
import { createServer } from "node:http";

/**
 * An entry of a PublishBatch request.
 * @typedef {{ Id: string, Subject: string, Message: string, attributes: Record<string, string> }} Entry
 */

/**
 * What a service was asked.
 * @typedef {{ service: "s3", key: string, body: string, crc32: string }
 *   | { service: "sns", entries: Entry[] }
 *   | { service: "dynamodb", input: any }} Call
 */

/**
 * What goes wrong with a call: no answer, an answer that stops in its body, an error answer (with `done`,
 * after the work is done all the same), no answer or an error and the work is done late, when so many further calls
 * have come, or a batch in which SNS refuses the entries with these ids.
 * @typedef {"hang" | "hang in body" | ErrorAnswer | { doneAfter: number } | { refused: string[] }} Fault
 * @typedef {{ status: number, code: string, done?: boolean, doneAfter?: number }} ErrorAnswer
 */

/**
 * @param {string} body a form-encoded PublishBatch request
 * @returns {Entry[]}
 */
function publishedEntries(body) {
  const form = new URLSearchParams(body);
  /** @param {string} prefix */
  const members = (prefix) => {
    const numbers = [...form.keys()].flatMap((name) => name.match(`^${prefix}\\.(\\d+)\\.`)?.[1] ?? []);
    return [...new Set(numbers)].map((number) => `${prefix}.${number}`);
  };
  /** @param {string} name */
  const get = (name) => form.get(name) ?? "";
  return members("PublishBatchRequestEntries.member").map((entry) => ({
    Id: get(`${entry}.Id`),
    Subject: get(`${entry}.Subject`),
    Message: get(`${entry}.Message`),
    attributes: Object.fromEntries(
      members(`${entry}.MessageAttributes.entry`).map((attribute) => [
        get(`${attribute}.Name`),
        get(`${attribute}.Value.StringValue`),
      ]),
    ),
  }));
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {string} body
 * @returns {Call}
 */
function parseCall({ headers, method, url }, body) {
  if (headers["x-amz-target"]) return { service: "dynamodb", input: JSON.parse(body) };
  if (method === "POST") return { service: "sns", entries: publishedEntries(body) };
  const [, path] = url?.match(/^\/audit\/(.*)\?/) ?? [];
  const crc32 = String(headers["x-amz-checksum-crc32"]);
  return { service: "s3", key: decodeURIComponent(path), body, crc32 };
}

/** @param {Entry[]} accepted @param {Entry[]} refused */
function publishBatchAnswer(accepted, refused) {
  const failed = refused.map(({ Id }) => `<member><Id>${Id}</Id><Code>InternalError</Code></member>`);
  const successful = accepted.map(({ Id }) => `<member><Id>${Id}</Id></member>`);
  return (
    '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult>' +
    `<Failed>${failed.join("")}</Failed><Successful>${successful.join("")}</Successful>` +
    "</PublishBatchResult></PublishBatchResponse>"
  );
}

/** @param {Call["service"]} service @param {string} code */
function errorAnswer(service, code) {
  if (service === "dynamodb") return JSON.stringify({ __type: code });
  const error = `<Error><Code>${code}</Code><Message>not on orders/secret</Message></Error>`;
  return service === "s3" ? error : `<ErrorResponse>${error}</ErrorResponse>`;
}

/**
 * S3 with a bucket `audit`, SNS and DynamoDB, as far as the order processor uses them, on a free port of
 * 127.0.0.1.
 */
export class StandIn {
  /** @type {Call[]} everything the services were asked */
  calls = [];
  /** @type {(Extract<Call, { service: "s3" }> | ({ service: "sns" } & Entry))[]} what was stored and published */
  accepted = [];
  /** @type {(call: Call) => Fault | undefined | Promise<Fault | undefined>} decides what goes wrong */
  fault = () => undefined;
  /** How many pages a query's answer has. */
  pages = 1;
  itemsPerPage = 7;
  /** @type {{ call: Call, after: number }[]} work that is still to be done */
  #late = [];
  url = "";

  #server = createServer((request, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => this.#answer(parseCall(request, Buffer.concat(chunks).toString()), response));
  });

  /** Starts the services; `url` is their endpoint from then on. */
  async start() {
    this.#server.keepAliveTimeout = 60_000;
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const { port } = /** @type {import("node:net").AddressInfo} */ (this.#server.address());
    this.url = `http://127.0.0.1:${port}`;
  }

  async stop() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.dropConnections();
    await closed;
  }

  /** Closes every connection, as the services do with idle ones. */
  dropConnections() {
    this.#server.closeAllConnections();
  }

  /** Forgets what happened, and the fault. */
  reset() {
    this.calls = [];
    this.accepted = [];
    this.fault = () => undefined;
    this.pages = 1;
    this.#late = [];
  }

  /** Does the work that was left for later, all of it or what is due. */
  catchUp(calls = Number.POSITIVE_INFINITY) {
    const due = this.#late.filter(({ after }) => after <= calls);
    this.#late = this.#late.filter(({ after }) => after > calls);
    for (const { call } of due) this.#accept(call, []);
  }

  /** The object versions stored, in that order. */
  get puts() {
    return this.accepted.flatMap((accepted) => (accepted.service === "s3" ? accepted : []));
  }

  /** The messages published, in that order. */
  get published() {
    return this.accepted.flatMap((accepted) => (accepted.service === "sns" ? accepted : []));
  }

  /**
   * @param {Call} call
   * @param {import("node:http").ServerResponse} response
   */
  async #answer(call, response) {
    this.catchUp(this.calls.length);
    this.calls.push(call);
    const fault = await this.fault(call);
    if (fault === "hang") return;
    if (fault === "hang in body") {
      response.writeHead(500, { "content-length": 100 }).write("<");
      return;
    }
    if (fault && "doneAfter" in fault && fault.doneAfter !== undefined) {
      this.#late.push({ call, after: this.calls.length + fault.doneAfter });
      if (!("code" in fault)) return;
    }
    if (fault && "code" in fault) {
      if (fault.done) this.#accept(call, []);
      response.statusCode = fault.status;
      response.end(errorAnswer(call.service, fault.code));
      return;
    }
    response.end(this.#accept(call, fault && "refused" in fault ? fault.refused : []));
  }

  /**
   * Does what the call asks for.
   * @param {Call} call
   * @param {string[]} refused the ids of the entries that SNS does not take
   * @returns the answer
   */
  #accept(call, refused) {
    if (call.service === "s3") {
      this.accepted.push(call);
      return "";
    }
    if (call.service === "sns") {
      const [taken, failed] = [false, true].map((isRefused) =>
        call.entries.filter(({ Id }) => refused.includes(Id) === isRefused),
      );
      this.accepted.push(...taken.map((entry) => ({ service: /** @type {const} */ ("sns"), ...entry })));
      return publishBatchAnswer(taken, failed);
    }
    const page = Number(call.input.ExclusiveStartKey?.page.N ?? 1);
    const next = page < this.pages ? { LastEvaluatedKey: { page: { N: String(page + 1) } } } : {};
    return JSON.stringify({ Count: this.itemsPerPage, ScannedCount: this.itemsPerPage, ...next });
  }
}
