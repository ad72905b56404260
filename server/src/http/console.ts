// /console: the files of packages/console/dist, as `npm run build` leaves them. Nothing is read before
// somebody asks: most servers only serve the API.

import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ROOT } from '../root.ts'

const DIST = join(ROOT, 'packages/console/dist')

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

const HEADERS = {
  // No script, style or request but from here; nothing inline, and nobody may frame it.
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

interface Asset {
  plain: Buffer
  /** Null where it would not be smaller. */
  zipped: Buffer | null
}

/** The route of its scripts, styles and fonts. */
export const CONSOLE_ASSETS = '/console/assets/*'

/** Serves the console's files; `dist` is where they are. */
export const registerConsole = (app: FastifyInstance, dist: string = DIST): void => {
  const assetOf = createAssets(join(dist, 'assets'))

  app.get('/console', (_request, reply) => reply.redirect('/console/', 302))

  app.get<{ Params: { '*': string } }>(CONSOLE_ASSETS, async (request, reply) => {
    const name = request.params['*']
    const asset = await assetOf(name)
    if (asset === null) return reply.callNotFound()
    reply
      .headers(HEADERS)
      .header('cache-control', 'public, max-age=31536000, immutable')
      .header('vary', 'accept-encoding')
      .type(TYPES[extname(name)] ?? 'application/octet-stream')
    if (asset.zipped === null || !takesGzip(request)) return reply.send(asset.plain)
    return reply.header('content-encoding', 'gzip').send(asset.zipped)
  })

  // Whatever page of the console: the script looks at the path.
  app.get('/console/*', async (_request, reply) => {
    const page = await readFile(join(dist, 'index.html')).catch(() => null)
    return page === null ? notBuilt(reply) : sendPage(reply, page)
  })
}

const sendPage = (reply: FastifyReply, page: Buffer): FastifyReply =>
  reply
    .headers(HEADERS)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(page)

const notBuilt = (reply: FastifyReply): FastifyReply =>
  reply
    .code(404)
    .header('cache-control', 'no-store')
    .type('text/plain; charset=utf-8')
    .send('The console is not built on this server: run "npm run build" there.\n')

const takesGzip = ({ headers }: FastifyRequest): boolean =>
  /\bgzip\b/.test(headers['accept-encoding'] ?? '')

const zip = promisify(gzip)

/**
 * Files by their names, each read and compressed once: a name has a hash of its content in it. Only names
 * that the folder lists are read, so that no path leads out of it.
 */
const createAssets = (folder: string): ((name: string) => Promise<Asset | null>) => {
  const read = new Map<string, Promise<Asset>>()
  return async (name) => {
    const known = read.get(name)
    if (known !== undefined) return known
    const names: string[] = await readdir(folder).catch(() => [])
    if (!names.includes(name)) return null
    const reading = readAsset(join(folder, name))
    read.set(name, reading)
    reading.catch(() => read.delete(name))
    return reading
  }
}

const readAsset = async (file: string): Promise<Asset> => {
  const plain = await readFile(file)
  const zipped = await zip(plain, { level: 9 })
  return { plain, zipped: zipped.length < plain.length ? zipped : null }
}
