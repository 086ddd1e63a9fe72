// SPDX-License-Identifier: GPL-2.0
//
// zvec through its binding for Node: stores a data set, builds its index, asks the queries
// one at a time and prints one JSON object. Groups, runs and medians are those of ask.h.
'use strict';

const fs = require('fs');
const path = require('path');

const K = 10, TRUTH_K = 100, GROUP = 50, RUNS = 7, M = 16, EF_CONSTRUCTION = 200;

if (process.argv.length < 8) {
	console.error('usage: zvec.js FOLDER SCRATCH hnsw|hnsw-int8|hnsw-int8-refined|hnsw-rabitq PREFIX DIM EF...\n' +
		'FOLDER has zvec in node_modules; SCRATCH must not exist.');
	process.exit(2);
}
const [folder, scratch, kind, prefix, dimText, ...efs] = process.argv.slice(2);
const zvec = require(path.join(folder, 'node_modules/@zvec/zvec'));
const dim = Number(dimText);

function load(what, type) {
	const bytes = fs.readFileSync(`${prefix}.${what}`);

	return new type(bytes.buffer, bytes.byteOffset, bytes.byteLength / type.BYTES_PER_ELEMENT);
}

const base = load('base', Float32Array), queries = load('query', Float32Array);
const truth = load('truth', Uint32Array);
const n = base.length / dim, nq = queries.length / dim;

const indexes = {
	'hnsw': { indexType: zvec.ZVecIndexType.HNSW },
	'hnsw-int8': { indexType: zvec.ZVecIndexType.HNSW, quantizeType: zvec.ZVecQuantizeType.INT8 },
	'hnsw-rabitq': { indexType: zvec.ZVecIndexType.HNSW_RABITQ },
};
const refined = kind.endsWith('-refined');
const index = indexes[kind.replace('-refined', '')];

if (!index || !Number.isInteger(n) || !Number.isInteger(nq)) {
	console.error(`zvec.js: ${index ? 'the files do not fit the dimension' : 'no kind ' + kind}`);
	process.exit(2);
}

function build() {
	const schema = new zvec.ZVecCollectionSchema({
		name: 'bench',
		vectors: {
			name: 'v', dataType: zvec.ZVecDataType.VECTOR_FP32, dimension: dim,
			indexParams: { ...index, metricType: zvec.ZVecMetricType.IP, m: M,
				       efConstruction: EF_CONSTRUCTION },
		},
	});
	const collection = zvec.ZVecCreateAndOpen(scratch, schema);

	for (let i = 0; i < n; i += 1000) {
		const docs = [];

		for (let j = i; j < Math.min(i + 1000, n); j++)
			docs.push({ id: String(j), vectors: { v: base.subarray(j * dim, (j + 1) * dim) } });
		for (const status of collection.insertSync(docs))
			if (!status.ok)
				throw new Error(`insert: ${status.message}`);
	}
	collection.optimizeSync({ concurrency: 1 });
	return collection;
}

function median(v) {
	v.sort((a, b) => a - b);
	return v.length % 2 ? v[(v.length - 1) / 2] : (v[v.length / 2 - 1] + v[v.length / 2]) / 2;
}

function points(collection) {
	return efs.map((text) => {
		const ef = Number(text), found = new Array(nq), groups = [];

		for (let run = 0; run < RUNS; run++) {
			for (let first = 0, g = 0; first < nq; first += GROUP, g++) {
				const start = process.hrtime.bigint();

				for (let q = first; q < Math.min(first + GROUP, nq); q++)
					found[q] = collection.querySync({
						fieldName: 'v', vector: queries.subarray(q * dim, (q + 1) * dim),
						topk: K, outputFields: [],
						params: { indexType: index.indexType, ef, isUsingRefiner: refined },
					});
				(groups[g] = groups[g] || []).push(Number(process.hrtime.bigint() - start) / 1e9);
			}
		}
		let right = 0;

		for (let q = 0; q < nq; q++) {
			const wanted = new Set(truth.subarray(q * TRUTH_K, q * TRUTH_K + K));

			for (const doc of found[q])
				right += wanted.has(Number(doc.id));
		}
		return { ef, recall: right / (nq * K),
			 qps: nq / groups.map(median).reduce((a, b) => a + b, 0) };
	});
}

zvec.ZVecInitialize({ queryThreads: 1, optimizeThreads: 1, logLevel: zvec.ZVecLogLevel.ERROR });
const start = process.hrtime.bigint();
const collection = build();
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const version = require(path.join(folder, 'node_modules/@zvec/zvec/package.json')).version;

console.log(JSON.stringify({
	peer: 'zvec', version, build: kind, type: 'f32', data: path.basename(prefix), dim, n, build_threads: 1,
	build_per_s: n / seconds, points: points(collection),
}));
collection.destroySync();
