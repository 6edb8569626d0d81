// Runs TensorFlow Lite over cases: node run.js ORACLE DIR...
// ORACLE holds lib/engine.js and node_modules/@tensorflow/tfjs-tflite. Each DIR
// holds model.tflite and random.in0.bin, ...; random.out0.bin, ... are written.
'use strict';
const fs = require('fs'), path = require('path');
const [oracle, ...dirs] = process.argv.slice(2);
const { load } = require(path.resolve(oracle, 'lib/engine.js'));
(async () => {
  let engine = await load({});
  for (const [i, dir] of dirs.entries()) {
    if (i % 100 === 99) engine = await load({});
    const inputs = [];
    for (let k = 0; fs.existsSync(`${dir}/random.in${k}.bin`); k++) inputs.push(fs.readFileSync(`${dir}/random.in${k}.bin`));
    try {
      const r = engine.run(fs.readFileSync(`${dir}/model.tflite`), inputs);
      r.outputs.forEach((o, k) => fs.writeFileSync(`${dir}/random.out${k}.bin`, o.bytes));
    } catch (e) {
      console.log(`${path.basename(dir)}: ${e.message}`);
    }
  }
})();
