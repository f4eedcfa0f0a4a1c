// @ts-check
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";

// As short as Lambda's seems to be: with longer ones a function runs in bursts.
const PERIOD_US = 20_000;

/**
 * A share of one CPU that the kernel holds processes to; undefined where this user may set none.
 * @typedef {{ procs: string, remove: () => void }} CpuShare `procs` is the file that a process writes its id into
 */

/**
 * Control groups of both versions (https://docs.kernel.org/admin-guide/cgroup-v2.html, section cpu.max).
 * @param {number} share
 * @returns {CpuShare | undefined}
 */
export function limitCpu(share) {
  const quota = Math.round(PERIOD_US * share);
  const name = `bench-${process.pid}`;
  const groups = [
    { folder: `/sys/fs/cgroup/${name}`, files: { "cpu.max": `${quota} ${PERIOD_US}` } },
    {
      folder: `/sys/fs/cgroup/cpu/${name}`,
      files: { "cpu.cfs_period_us": String(PERIOD_US), "cpu.cfs_quota_us": String(quota) },
    },
  ];
  for (const { folder, files } of groups) {
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    if (Object.keys(files).every((file) => existsSync(`${folder}/${file}`))) {
      for (const [file, value] of Object.entries(files)) writeFileSync(`${folder}/${file}`, value);
      return { procs: `${folder}/cgroup.procs`, remove: () => removeGroup(folder) };
    }
    rmdirSync(folder);
  }
  return undefined;
}

/**
 * A group can go once its processes are gone, which takes them a moment.
 * @param {string} folder
 */
function removeGroup(folder) {
  for (let attempts = 50; ; attempts--) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if (attempts === 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}
