// SPDX-License-Identifier: GPL-2.0
//
// Draws the charts of a report from the result that stands in the page. With
// uPlot built in they can be zoomed (drag) and read off (hover); without it they
// are plain SVG. Asks no network for anything.
"use strict";
(function () {
	const result = JSON.parse(document.getElementById("result").textContent);
	const colours = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#b279a2", "#72b7b2",
		"#eeca3b", "#9d755d", "#1b6f6a", "#a0307a", "#6f8f2f", "#7f7f7f", "#2f4fd0", "#d02f5f",
		"#8a5a00", "#00a0c0"];
	const width = Math.min(1040, document.body.clientWidth - 10);
	const fg = getComputedStyle(document.body).color;
	const grid = "rgba(128,128,128,.25)";

	function si(v) {
		if (v === null || v === undefined)
			return "";
		const a = Math.abs(v);
		if (a >= 1e6)
			return +(v / 1e6).toPrecision(3) + "M";
		if (a >= 1e3)
			return +(v / 1e3).toPrecision(3) + "k";
		return String(+v.toPrecision(3));
	}

	// Time in the unit that suits it; values are nanoseconds.
	function time(v) {
		if (v === null || v === undefined)
			return "";
		if (v >= 1e9)
			return +(v / 1e9).toPrecision(3) + " s";
		if (v >= 1e6)
			return +(v / 1e6).toPrecision(3) + " ms";
		if (v >= 1e3)
			return +(v / 1e3).toPrecision(3) + " µs";
		return +v.toPrecision(3) + " ns";
	}

	// Series with x of their own onto one common x, gaps as null.
	function align(series) {
		const xs = [...new Set(series.flatMap(s => s.x))].sort((a, b) => a - b);
		const at = new Map(xs.map((x, i) => [x, i]));
		return [xs].concat(series.map(s => {
			const col = new Array(xs.length).fill(null);
			s.x.forEach((x, i) => { col[at.get(x)] = s.y[i]; });
			return col;
		}));
	}

	// Marks of a logarithmic axis: decades, with 2 and 5 where there are few.
	function decades(u, axis, min, max) {
		const from = Math.floor(Math.log10(min)), to = Math.ceil(Math.log10(max));
		const steps = to - from > 3 ? [1] : [1, 2, 5];
		const out = [];
		for (let e = from; e <= to; e++)
			steps.forEach(s => out.push(s * 10 ** e));
		return out.filter(v => v >= min * .999 && v <= max * 1.001);
	}

	function withPlot(el, o) {
		const points = i => ({ show: true, size: o.dots ? 12 : 4,
			fill: o.dots ? colours[i % colours.length] : undefined });
		const axis = { stroke: fg, grid: { stroke: grid }, ticks: { stroke: grid } };
		new uPlot({
			width: width, height: 320,
			cursor: { drag: { x: true, y: true } },
			scales: {
				x: { time: false, distr: o.logx ? 3 : 1, range: o.xrange },
				y: { distr: o.logy ? 3 : 1, range: o.yrange },
			},
			axes: [
				Object.assign({ label: o.xlabel, incrs: o.xincrs,
					splits: o.logx ? decades : undefined, filter: (u, v) => v,
					values: (u, v) => v.map(x => x === null ? "" : o.xfmt(x)) }, axis),
				Object.assign({ label: o.ylabel, size: 80,
					splits: o.logy ? decades : undefined, filter: (u, v) => v,
					values: (u, v) => v.map(y => y === null ? "" : o.yfmt(y)) }, axis),
			],
			series: [{ label: o.xlabel, value: (u, v) => v === null ? "" : o.xfmt(v) }].concat(
				o.series.map((s, i) => ({
					label: s.name, stroke: colours[i % colours.length],
					width: o.dots ? 0 : 1.5, points: points(i), spanGaps: true,
					paths: o.dots ? () => null : undefined,
					value: (u, v) => o.yfmt(v),
				}))),
		}, align(o.series), el);
	}

	function svg(el, o) {
		const w = width, h = 320, l = 80, r = 10, t = 10, b = 40;
		const fx = o.logx ? Math.log10 : v => v, fy = o.logy ? Math.log10 : v => v;
		const xs = o.series.flatMap(s => s.x).filter(v => !o.logx || v > 0).map(fx);
		const ys = o.series.flatMap(s => s.y).filter(v => !o.logy || v > 0).map(fy);
		const x0 = Math.min(...xs), x1 = Math.max(...xs, x0 + 1e-9);
		const y0 = o.logy ? Math.min(...ys) : 0, y1 = Math.max(...ys, y0 + 1e-9);
		const px = v => l + (fx(v) - x0) / (x1 - x0) * (w - l - r);
		const py = v => h - b - (fy(v) - y0) / (y1 - y0) * (h - t - b);
		let out = `<svg width="${w}" height="${h}" role="img" fill="${fg}">`;
		for (let i = 0; i <= 4; i++) {
			const vy = y0 + (y1 - y0) * i / 4, vx = x0 + (x1 - x0) * i / 4;
			const y = h - b - (h - t - b) * i / 4, x = l + (w - l - r) * i / 4;
			out += `<line x1="${l}" x2="${w - r}" y1="${y}" y2="${y}" stroke="${grid}"/>` +
				`<text x="${l - 6}" y="${y + 4}" text-anchor="end" font-size="12">` +
				`${o.yfmt(o.logy ? 10 ** vy : vy)}</text>` +
				`<text x="${x}" y="${h - b + 16}" text-anchor="middle" font-size="12">` +
				`${o.xfmt(o.logx ? 10 ** vx : vx)}</text>`;
		}
		o.series.forEach((s, i) => {
			const c = colours[i % colours.length];
			const pts = s.x.map((x, k) => [x, s.y[k]])
				.filter(p => (!o.logx || p[0] > 0) && (!o.logy || p[1] > 0));
			if (!o.dots)
				out += `<polyline fill="none" stroke="${c}" stroke-width="1.5" points="` +
					pts.map(p => px(p[0]) + "," + py(p[1])).join(" ") + '"/>';
			else
				out += pts.map(p => `<circle r="5" fill="${c}" cx="${px(p[0])}" ` +
					`cy="${py(p[1])}"/>`).join("");
			out += `<text x="${l + 10 + i * 150}" y="${h - 6}" font-size="12" fill="${c}">` +
				s.name.replace(/[<&]/g, "") + "</text>";
		});
		el.innerHTML = out + "</svg>";
	}

	function chart(id, o) {
		const el = document.getElementById(id);
		o.series = o.series.filter(s => s.x.length);
		if (!o.series.length) {
			el.textContent = "nothing was measured for this chart";
			return;
		}
		(typeof uPlot === "function" ? withPlot : svg)(el, o);
	}

	// Repetitions of a job get numbers.
	const seen = {};
	const jobs = result.jobs.map(j => {
		seen[j.name] = (seen[j.name] || 0) + 1;
		return Object.assign({}, j, {
			label: seen[j.name] > 1 ? j.name + " #" + seen[j.name] : j.name });
	});

	chart("throughput", {
		xlabel: "seconds", ylabel: "ops/s", xfmt: v => +v.toPrecision(3), yfmt: si, logy: true,
		series: jobs.map(j => ({ name: j.label, x: j.intervals.map(s => +s.at_s.toFixed(3)),
			y: j.intervals.map(s => s.ops_per_s > 0 ? s.ops_per_s : null) })),
	});

	// How many nines: 0 is the fastest op, 3 is p99.9.
	function percentiles(j) {
		const out = { name: j.label, x: [], y: [] };
		const total = j.histogram.reduce((n, b) => n + b[2], 0);
		let below = 0;
		j.histogram.forEach(b => {
			below += b[2];
			const left = 1 - below / total;
			if (left > 0) {
				out.x.push(+(-Math.log10(left)).toFixed(4));
				out.y.push(b[0] + b[1] / 2);
			}
		});
		return out;
	}
	chart("percentiles", {
		xlabel: "percentile", ylabel: "latency", logy: true, yfmt: time,
		xfmt: v => "p" + +(100 * (1 - 10 ** -v)).toPrecision(6), xincrs: [1],
		series: jobs.map(percentiles),
	});

	// Twenty steps a decade, so that buckets of all widths can be compared.
	chart("distribution", {
		xlabel: "latency", ylabel: "share of the ops", logx: true, xfmt: time,
		yfmt: v => v === null ? "" : +(100 * v).toPrecision(3) + " %",
		series: jobs.map(j => {
			const total = j.histogram.reduce((n, b) => n + b[2], 0);
			const s = { name: j.label, x: [], y: [] };
			let at = null, sum = 0;
			const flush = () => {
				if (at !== null) {
					s.x.push(10 ** ((at + .5) / 20));
					s.y.push(sum / total);
				}
			};
			j.histogram.forEach(b => {
				const slot = Math.floor(Math.log10(b[0] + b[1] / 2 || 1) * 20);
				if (slot !== at) {
					flush();
					at = slot;
					sum = 0;
				}
				sum += b[2];
			});
			flush();
			return s;
		}),
	});

	const searches = jobs.filter(j => j.recall);
	const rates = searches.map(j => j.ops_per_s);
	chart("recall", {
		xlabel: "recall", ylabel: "ops/s", dots: true, logy: true, yfmt: si,
		xfmt: v => +v.toFixed(4),
		xrange: [Math.min(.9, ...searches.map(j => j.recall.recall)) - .01, 1.005],
		yrange: [10 ** Math.floor(Math.log10(Math.min(...rates) || 1)),
			10 ** Math.ceil(Math.log10(Math.max(...rates) * 1.01 || 10))],
		series: searches.map(j => ({ name: j.label, x: [j.recall.recall],
			y: [j.ops_per_s] })),
	});
	document.documentElement.dataset.ready = typeof uPlot === "function" ? "plot" : "svg";
})();
