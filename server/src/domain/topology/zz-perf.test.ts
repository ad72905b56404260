import { it } from 'vitest'
import { Worker } from 'node:worker_threads'
import { createDatabase } from '../../../../test/src/database.ts'
import { createTopologyBench } from './testing/bench.ts'
import { describeOf } from './testing/salesforce-org.ts'
void Worker
for (const N of [1000, 4000]) it('perf ' + N, { timeout: 300000 }, async () => {
  const bench = await createTopologyBench(await createDatabase())
  Object.assign(bench.latency, { callMs: 60, describeMs: 15 })
  const filler = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`attributeNumber${i}`, i % 3 === 0 ? null : i % 2 === 0]))
  for (let i = 0; i < N; i++) {
    const d = describeOf(`Job_${i}__c`, 20)
    d.fields = (d.fields as object[]).map((f, j) => ({ ...Object.fromEntries(Object.entries({ ...filler, ...f }).sort()), inlineHelpText: `help ${i * 31 + j * 7}` }))
    bench.org.put(`Job_${i}__c`, d)
    const o = bench.org.objects.get(`Job_${i}__c`)
    if (o) o.text = JSON.stringify(d)
    if (o && i === 0) console.log('describe bytes', o.text?.length)
  }
  const c = await bench.client()
  global.gc?.()
  const idle = process.memoryUsage().rss
  let peak = 0
  const timer = setInterval(() => { peak = Math.max(peak, process.memoryUsage().rss) }, 20)
  const time = async (what: string, f: () => Promise<unknown>) => { const t = performance.now(); const cpu = process.cpuUsage(); const r = await f(); const u = process.cpuUsage(cpu); console.log(N, what, Math.round(performance.now() - t), 'ms cpu', Math.round((u.user + u.system) / 1000), 'peak +MB', Math.round((peak - idle) / 1e6), JSON.stringify((r as { stats?: unknown })?.stats ?? '')) }
  await time('cold', () => bench.pull(c))
  await time('unchanged', () => bench.pull(c))
  for (let i = 0; i < N / 100; i++) { bench.org.change(`Job_${i * 7}__c`, (d) => ({ ...d, label: 'x' })) }
  await time('1%', () => bench.pull(c))
  bench.org.touchEverything()
  await time('touch', () => bench.pull(c))
  await time('diff', async () => { const d = await bench.topology.diff(bench.admin.tenant, { client_id: c, from_version: 1, limit: 500 }); console.log(d.summary.objects) })
  await time('diff', () => bench.topology.diff(bench.admin.tenant, { client_id: c, from_version: 1, limit: 500 }))
  await time('get', async () => { let n = 0; for await (const p of await bench.topology.get(bench.admin.tenant, { client_id: c })) n += p.length; console.log('bytes', n) })
  clearInterval(timer)
  await bench.close()
})
