// The public API as a caller sees it. Every answer, including errors, is checked against the server's
// own OpenAPI document: a test cannot pass with an answer that breaks the contract.

import { readFile } from 'node:fs/promises'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

export interface Answer<Body = Record<string, unknown>> {
  status: number
  headers: Headers
  body: Body
  text: string
}

interface OpenApi {
  paths: Record<
    string,
    Record<
      string,
      { responses: Record<string, { content: Record<string, { schema: object }> }> } | undefined
    >
  >
  components: { schemas: Record<string, object> }
}

export interface Api {
  /** POSTs a JSON body with the credential. */
  post<Body = Record<string, unknown>>(
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<Body>>
  get<Body = Record<string, unknown>>(
    path: string,
    headers?: Record<string, string>,
  ): Promise<Answer<Body>>
  /** Sends anything; the answer is checked if the path is known. */
  raw(path: string, init: RequestInit): Promise<Answer>
  /** The same API with a different credential (null: none). */
  as(token: string | null): Api
}

/** The values of newline-delimited JSON. */
export const linesOf = <Line = unknown>(text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

type Validators = (method: string, path: string, answer: Answer) => void

/** A server takes a second of CPU to make its document: a run asks one, and its workers read the answer. */
const documentOf = async (url: string): Promise<OpenApi> => {
  const stored = process.env.OPENAPI_DOCUMENT
  const text =
    stored === undefined
      ? await (await fetch(`${url}/openapi.json`)).text()
      : await readFile(stored, 'utf8')
  return JSON.parse(text) as OpenApi
}

const loadValidators = async (url: string): Promise<Validators> => {
  const document = await documentOf(url)
  // Compiled once a component, and not polished: most schemas check a handful of answers.
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    inlineRefs: false,
    code: { optimize: false },
  })
  // ajv-formats is CommonJS; its callable sits on `default` under native ESM.
  ;(addFormats as unknown as { default: (a: Ajv2020) => void }).default(ajv)
  ajv.addSchema({ $id: 'doc', components: document.components })
  const compiled = new Map<string, ValidateFunction>()
  return (method, path, answer) => {
    const operation = document.paths[path]?.[method.toLowerCase()]
    if (operation === undefined) return
    const type = (answer.headers.get('content-type') ?? '').split(';')[0] ?? ''
    const described = Object.entries(
      operation.responses[String(answer.status)]?.content ?? {},
    ).find(([name]) => name.split(';')[0] === type)?.[1]
    if (described === undefined) {
      throw new Error(
        `${method} ${path} answered ${answer.status} ${type}, which the OpenAPI document does not name: ${answer.text.slice(0, 500)}`,
      )
    }
    const isLines = type.endsWith('ndjson')
    if (!type.endsWith('json')) return
    const key = `${method} ${path} ${answer.status} ${type}`
    const validate =
      compiled.get(key) ??
      ajv.compile(
        JSON.parse(
          JSON.stringify(described.schema).replaceAll('"#/components', '"doc#/components'),
        ),
      )
    compiled.set(key, validate)
    const values = isLines ? linesOf(answer.text) : [answer.body]
    for (const value of values) {
      if (validate(value)) continue
      throw new Error(`${key} breaks the OpenAPI document: ${ajv.errorsText(validate.errors)}`)
    }
  }
}

/** All servers of a run are the same build: the document of the first applies to all. */
const documentOfOneBuild = () => {
  let loaded: Promise<Validators> | undefined
  return (url: string): Promise<Validators> => {
    loaded ??= loadValidators(url).catch((error: unknown) => {
      loaded = undefined // killed before it could answer: ask the next one
      throw error
    })
    return loaded
  }
}

const validatorsOf = documentOfOneBuild()

/** A caller of the server at `url`. */
export const apiOf = (url: string, token: string | null = null): Api => {
  const raw = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(url + path, { redirect: 'manual', ...init })
    const text = await response.text()
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson && text !== '' ? JSON.parse(text) : {}) as Record<string, unknown>,
    }
    ;(await validatorsOf(url))(init.method ?? 'GET', path, answer)
    return answer
  }
  const credential: Record<string, string> =
    token === null ? {} : { authorization: `Bearer ${token}` }

  return {
    raw: (path, init) =>
      raw(path, {
        ...init,
        headers: { ...credential, ...(init.headers as Record<string, string>) },
      }),
    post: async <Body>(path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
      (await raw(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...credential, ...headers },
        body: JSON.stringify(body),
      })) as unknown as Answer<Body>,
    get: async <Body>(path: string, headers: Record<string, string> = {}) =>
      (await raw(path, {
        method: 'GET',
        headers: { ...credential, ...headers },
      })) as unknown as Answer<Body>,
    as: (other) => apiOf(url, other),
  }
}
