// Bulk jobs over plain HTTP, for the tests beside.

import { type Client } from '../../../testing/rig.ts'

export interface JobInfo {
  id: string
  state: string
  numberRecordsProcessed: number
  numberRecordsFailed: number
  retries: number
  errorMessage?: string
  [key: string]: unknown
}

export interface BulkClient {
  /** `path` below `/services/data/v66.0/jobs/`. */
  request(method: string, path: string, body?: unknown, type?: string): Promise<Response>
  create(job: Record<string, unknown>): Promise<JobInfo>
  upload(id: string, csv: string | Uint8Array<ArrayBuffer>): Promise<Response>
  setState(kind: 'ingest' | 'query', id: string, state: string): Promise<Response>
  info(kind: 'ingest' | 'query', id: string): Promise<JobInfo>
  /** Polls until the job is in one of these states. */
  until(kind: 'ingest' | 'query', id: string, ...states: string[]): Promise<JobInfo>
  results(
    id: string,
    which: 'successfulResults' | 'failedResults' | 'unprocessedrecords',
  ): Promise<string>
  /** Creates, uploads, closes and waits for the end. */
  ingest(job: Record<string, unknown>, csv: string): Promise<JobInfo>
}

export const OVER = ['JobComplete', 'Failed', 'Aborted']

export const bulkClient = ({ token, instanceUrl }: Client, version = 66): BulkClient => {
  const request: BulkClient['request'] = (method, path, body, type = 'application/json') =>
    fetch(`${instanceUrl}/services/data/v${version}.0/jobs/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined
        ? {}
        : {
            body:
              typeof body === 'string' || body instanceof Uint8Array
                ? (body as string)
                : JSON.stringify(body),
          }),
    })
  const json = async (answer: Promise<Response>): Promise<JobInfo> => {
    const response = await answer
    const text = await response.text()
    if (!response.ok) throw new Error(`${response.status} ${text}`)
    return JSON.parse(text) as JobInfo
  }
  const client: BulkClient = {
    request,
    create: (job) => json(request('POST', 'ingest', job)),
    upload: (id, csv) => request('PUT', `ingest/${id}/batches`, csv, 'text/csv'),
    setState: (kind, id, state) => request('PATCH', `${kind}/${id}`, { state }),
    info: (kind, id) => json(request('GET', `${kind}/${id}`)),
    until: async (kind, id, ...states) => {
      for (;;) {
        const job = await client.info(kind, id)
        if (states.includes(job.state)) return job
      }
    },
    results: async (id, which) => (await request('GET', `ingest/${id}/${which}`)).text(),
    ingest: async (job, csv) => {
      const { id } = await client.create(job)
      await client.upload(id, csv)
      await client.setState('ingest', id, 'UploadComplete')
      return client.until('ingest', id, ...OVER)
    },
  }
  return client
}
