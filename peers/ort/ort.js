// Runs ONNX models with ONNX Runtime for the Go program of this folder. Requests
// come as lines of JSON on standard input; each is answered with one line on
// standard output, in the same order. Tensors are files of bare elements.
//
//   {"do": "version"}                                  {"version": "1.30.0"}
//   {"do": "load", "name", "model", "threads",
//    "exact"}                                          {}
//   {"do": "input", "name", "file"}                    {}
//   {"do": "run", "name", "file"}                      {}    the first output, to the file
//   {"do": "time", "name", "runs"}                     {"ns": [one for each run]}
//   {"do": "release", "name"}                          {}
//
// A request that fails is answered with {"error": "..."}.
'use strict';

const fs = require('node:fs');
const readline = require('node:readline');
const ort = require('onnxruntime-node');

const sessions = new Map(); // name -> {session, feeds, fetches}

const arrays = { uint8: Uint8Array, int8: Int8Array, float32: Float32Array };

// zeros is a tensor of the type and shape of an input or output.
function zeros(metadata) {
  const length = metadata.shape.reduce((n, d) => n * d, 1);
  return new ort.Tensor(metadata.type, new arrays[metadata.type](length), metadata.shape);
}

const requests = {
  async version() {
    return { version: ort.env.versions.node };
  },

  async load({ name, model, threads, exact }) {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      executionMode: 'sequential',
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      // Threads must not go on spinning in the turns of others. Within a turn this
      // makes no difference that can be measured.
      extra: { session: { force_spinning_stop: '1', x64quantprecision: exact ? '1' : '0' } },
    });
    const feeds = {};
    const fetches = {}; // given, so that no run allocates its outputs
    for (const m of session.inputMetadata) feeds[m.name] = zeros(m);
    for (const m of session.outputMetadata) fetches[m.name] = zeros(m);
    sessions.set(name, { session, feeds, fetches });
    return {};
  },

  async input({ name, file }) {
    const feed = Object.values(sessions.get(name).feeds)[0];
    const bytes = fs.readFileSync(file);
    if (bytes.length !== feed.data.byteLength) {
      throw new Error(`${bytes.length} bytes for an input of ${feed.data.byteLength}`);
    }
    new Uint8Array(feed.data.buffer, feed.data.byteOffset, bytes.length).set(bytes);
    return {};
  },

  async run({ name, file }) {
    const { session, feeds, fetches } = sessions.get(name);
    const results = await session.run(feeds, fetches);
    const { data } = results[session.outputNames[0]];
    fs.writeFileSync(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return {};
  },

  async time({ name, runs }) {
    const { session, feeds, fetches } = sessions.get(name);
    const ns = [];
    for (let i = 0; i < runs; i++) {
      const start = process.hrtime.bigint();
      await session.run(feeds, fetches);
      ns.push(Number(process.hrtime.bigint() - start));
    }
    return { ns };
  },

  async release({ name }) {
    await sessions.get(name).session.release();
    sessions.delete(name);
    return {};
  },
};

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      const request = JSON.parse(line);
      answer = await requests[request.do](request);
    } catch (e) {
      answer = { error: String(e.message ?? e) };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
}

main();
