// What an org can hold from the start.

import { type Org } from '../org/model.ts'
import { seedImport } from './import.ts'
import { seedLarge } from './large.ts'
import { seedSmall } from './small.ts'

export type Seed = 'small' | { objects: number; fields: number } | { importFolder: string }

/** Fills a fresh org. Throws where a folder of describes cannot be read. */
export const seedInto = (org: Org, seed: Seed): void => {
  if (seed === 'small') seedSmall(org)
  else if ('importFolder' in seed) seedImport(org, seed.importFolder)
  else seedLarge(org, seed)
}
