// @ts-check
// Has Node.js load jsii's program and CDKTF in half the time. Node.js runs this before the program.
//
// What V8 has compiled is kept in the file `code`, beside the link to the program, for the next run. Node.js
// has such a cache itself, by the paths of files; jsii links packages into a new temporary folder each time,
// so here a module goes by its content. Which file a module requires is kept too: a package as jsii unpacks it
// never changes.

"use strict";
const { readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } = require("node:fs");
/** @type {any} Most of it is for those who load modules in another way. */
const Module = require("node:module");
const path = require("node:path");
const v8 = require("node:v8");
const vm = require("node:vm");
const { isMainThread } = require("node:worker_threads");
const { crc32 } = require("node:zlib");

// What CDKTF requires and a synth hardly ever calls, with the file that does so: archiver for zipping an asset,
// which another process does, and semver for comparing the version of Terraform.
/** @type {Record<string, RegExp>} */
const SELDOM_CALLED = {
  archiver: /[\\/]cdkt[fn][\\/]lib[\\/]private[\\/]fs\.js$/,
  semver: /[\\/]cdkt[fn][\\/]lib[\\/]validations[\\/]validate-binary-version\.js$/,
};

// Code that no run uses any more is left out when the file has grown as large.
const MOST_KEPT = 16_000_000;

/**
 * Has V8 optimize a function after as many calls as it takes for that to pay. By itself, it does so after 3,000:
 * for a synth of a second, that is an eighth of what it computes.
 */
function optimizeLater() {
  // Others do not know this option, and would say so.
  if (["22", "24"].includes(process.versions.node.split(".")[0])) {
    v8.setFlagsFromString("--invocation-count-for-turbofan=30000");
  }
}

/** Loads what is seldom called when it is used for the first time. */
function loadLate() {
  const load = Module._load;
  Module._load = (/** @type {string} */ request, /** @type {any} */ parent, /** @type {any[]} */ ...rest) => {
    if (!(Object.hasOwn(SELDOM_CALLED, request) && SELDOM_CALLED[request].test(parent?.filename ?? ""))) {
      return load.call(Module, request, parent, ...rest);
    }
    /** @type {any} */
    let loaded;
    const used = () => {
      loaded ??= load.call(Module, request, parent, false);
      return loaded;
    };
    return new Proxy(() => {}, {
      apply: (_, self, values) => Reflect.apply(used(), self, values),
      get: (_, name) => used()[name],
    });
  };
}

// A file of a package in jsii's temporary folder, where packages are links.
const IN_PACKAGE =
  /^(.*[\\/]jsii-kernel-[^\\/]+[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+[\\/])(.*[\\/])?/;
// What jsii has unpacked is in a folder that is named after the content.
const UNPACKED = /[\\/][0-9a-f]{64}$/;

// A line that is no comment with types, as in {import(".")}.
const IMPORTS = /^(?!\s*(?:\/\*\*|\*)(?:(?!\*\/).)*(?:\*\/\s*)?$).*\bimport\b\s*[(/]/m;

/**
 * What is required: by what, and in which package, which is at `root` and was unpacked to `unpacked`.
 * @typedef {{ root: string, unpacked: string, request: string }} Place
 */

/** The code of an earlier run, by what was compiled, and the files that were required. */
class Code {
  /** @type {Map<string, Buffer>} */
  #known = new Map();
  /** @type {Map<string, vm.Script>} */
  #compiled = new Map();
  /** @type {Set<string>} */
  #compiledFiles = new Set();
  /** @type {Record<string, Record<string, string>>} Files by packages and requests. */
  #places = {};
  /** @type {[Place, string][]} */
  #resolved = [];
  /** @type {Map<string, string | undefined>} */
  #unpacked = new Map();
  /** @type {Set<string>} Files that were no ECMAScript modules. */
  scripts = new Set();
  #changed = false;

  constructor(/** @type {string} */ file) {
    this.file = file;
    try {
      this.#read(readFileSync(file));
    } catch {
      // There is none yet, or it is damaged.
    }
  }

  // The file: a checksum of the rest, the length of an index, the index, the code of one module after another.
  #read(/** @type {Buffer} */ content) {
    const index = content.subarray(8, 8 + content.readUInt32LE(4));
    const { version, modules, places } = JSON.parse(index.toString());
    if (content.readUInt32LE(0) !== crc32(content.subarray(4)) || version !== process.version) return;
    this.#places = places;
    let start = 8 + index.length;
    for (const [key, length] of modules) {
      this.#known.set(key, content.subarray(start, start + length));
      start += length;
    }
  }

  compile(/** @type {string} */ content, /** @type {string} */ filename) {
    const name = filename.slice(filename.lastIndexOf("node_modules"));
    const key = `${name} ${content.length} ${crc32(content)}`;
    const known = this.#known.get(key);
    // What imports is compiled by Node.js.
    if (!known && IMPORTS.test(content)) return;
    // The added line is line 0, so that errors tell the same lines and columns as ever.
    const wrapped = `${Module.wrapper[0]}\n${content}${Module.wrapper[1]}`;
    const script = new vm.Script(wrapped, {
      filename,
      lineOffset: -1,
      cachedData: known,
      // For what no source shows; Node.js warns of it.
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    this.#changed ||= !known || script.cachedDataRejected === true;
    this.#compiled.set(key, script);
    this.#compiledFiles.add(filename);
    return script.runInThisContext();
  }

  /** @returns {Place | undefined} */
  place(/** @type {string} */ request, /** @type {string | undefined | null} */ requiring) {
    const [, root, folder = ""] = IN_PACKAGE.exec(requiring ?? "") ?? [];
    if (!root) return;
    if (!this.#unpacked.has(root)) this.#unpacked.set(root, unpackedTo(root));
    const unpacked = this.#unpacked.get(root);
    return unpacked ? { root, unpacked, request: `${folder} ${request}` } : undefined;
  }

  /** The file that an earlier run found. */
  fileAt(/** @type {Place} */ { root, unpacked, request }) {
    const file = this.#places[unpacked]?.[request];
    if (file === undefined) return;
    this.scripts.add(root + file);
    return root + file;
  }

  resolved(/** @type {Place} */ place, /** @type {string} */ file) {
    if (file.startsWith(place.root)) this.#resolved.push([place, file]);
  }

  /** Writes the code of this run, with what was lately compiled, and that of others. */
  write() {
    const resolved = this.#resolved.filter(([, file]) => this.#compiledFiles.has(file));
    if (!this.#changed && resolved.length === 0) return;
    const kept = [...this.#known.values()].reduce((size, code) => size + code.length, 0) < MOST_KEPT;
    const codes = new Map(kept ? this.#known : []);
    const places = kept ? this.#places : {};
    for (const [{ root, unpacked, request }, file] of resolved) {
      places[unpacked] ??= {};
      places[unpacked][request] = file.slice(root.length);
    }
    for (const [key, script] of this.#compiled) codes.set(key, script.createCachedData());
    const modules = [...codes].map(([key, code]) => [key, code.length]);
    const index = Buffer.from(JSON.stringify({ version: process.version, modules, places }));
    const head = Buffer.alloc(8);
    head.writeUInt32LE(index.length, 4);
    const content = Buffer.concat([head, index, ...codes.values()]);
    content.writeUInt32LE(crc32(content.subarray(4)), 0);
    // Another run may be doing the same.
    const temporary = `${this.file}.${process.pid}`;
    try {
      writeFileSync(temporary, content);
      renameSync(temporary, this.file);
    } catch {
      rmSync(temporary, { force: true });
    }
  }
}

function unpackedTo(/** @type {string} */ root) {
  try {
    const unpacked = readlinkSync(root.slice(0, -1));
    return UNPACKED.test(unpacked) ? unpacked : undefined;
  } catch {
    return undefined; // It was unpacked right there.
  }
}

/** Compiles modules with the code of an earlier run. */
function keepCode(/** @type {Code} */ code) {
  const compile = Module.prototype._compile;
  /** @this {any} */
  Module.prototype._compile = function (
    /** @type {string} */ content,
    /** @type {string} */ filename,
    /** @type {any[]} */ ...rest
  ) {
    let run;
    try {
      run = code.compile(content, filename);
    } catch {
      // An ECMAScript module, or an error that Node.js shows in its own way.
    }
    if (!run) return compile.call(this, content, filename, ...rest);
    return run.call(this.exports, this.exports, requireOf(this), this, filename, path.dirname(filename));
  };
}

/** Finds the files of modules where an earlier run found them. */
function keepPlaces(/** @type {Code} */ code) {
  const resolve = Module._resolveFilename;
  Module._resolveFilename = (
    /** @type {string} */ request,
    /** @type {any} */ parent,
    /** @type {boolean} */ isMain,
    /** @type {any} */ options,
  ) => {
    const place = options?.paths ? undefined : code.place(request, parent?.filename);
    const known = place && code.fileAt(place);
    if (known) return known;
    const file = resolve.call(Module, request, parent, isMain, options);
    if (place) code.resolved(place, file);
    return file;
  };
  const loadScript = Module._extensions[".js"];
  Module._extensions[".js"] = (/** @type {any} */ module, /** @type {string} */ file) =>
    // Otherwise Node.js looks for a package.json that says what the file is.
    code.scripts.has(file) ? module._compile(readFileSync(file, "utf8"), file) : loadScript(module, file);
}

/** The function `require` of a module, as Node.js makes it. */
function requireOf(/** @type {any} */ module) {
  const require = (/** @type {string} */ id) => module.require(id);
  const resolve = (/** @type {string} */ request, /** @type {any} */ options) =>
    Module._resolveFilename(request, module, false, options);
  resolve.paths = (/** @type {string} */ request) => Module._resolveLookupPaths(request, module);
  return Object.assign(require, {
    resolve,
    main: process.mainModule,
    extensions: Module._extensions,
    cache: Module._cache,
  });
}

// Not in processes and threads that the program starts.
const [, program = ""] = process.argv;
if (isMainThread && path.basename(program) === "program.cjs") {
  optimizeLater();
  loadLate();
  // A debugger breaks in code that Node.js compiles, and old versions have no such checksum.
  const isDebugged = /--inspect/.test(`${process.execArgv} ${process.env.NODE_OPTIONS}`);
  if (!isDebugged && crc32 !== undefined) {
    const code = new Code(path.join(path.dirname(program), "code"));
    keepCode(code);
    keepPlaces(code);
    process.once("exit", () => code.write());
  }
}
