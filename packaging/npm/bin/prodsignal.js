#!/usr/bin/env node
// Starts the program of this platform, which npm has installed beside this launcher.
"use strict";

const { spawn } = require("node:child_process");

const name = `prodsignal-${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "prodsignal.exe" : "prodsignal";

let program;
try {
  program = require.resolve(`${name}/bin/${file}`);
} catch {
  console.error(`prodsignal: the package ${name} is not installed.`);
  console.error("It is an optional dependency: install without --omit=optional, on a platform that has one.");
  process.exit(1);
}

// `prodsignal install` writes this command into an agent's file instead of a path that moves with each version.
const launcher = process.env.npm_command === "exec" ? { PRODSIGNAL_LAUNCHER: "npx" } : {};
const child = spawn(program, process.argv.slice(2), { stdio: "inherit", env: { ...process.env, ...launcher } });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`prodsignal: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else {
    process.exit(code ?? 1);
  }
});
