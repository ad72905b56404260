import { join } from 'node:path'

/**
 * The repository's folder, where migrations and the like are found. No other module may ask for its own place:
 * `npm start` runs them all as one file in server/dist, from which the root is as far as from here.
 */
export const ROOT = join(import.meta.dirname, '../..')
