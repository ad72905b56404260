// What an action of the control port is, and how actions find their org.

import { type z } from 'zod'
import { type World } from '../world.ts'
import { findObject } from '../org/changes.ts'
import { userNamed } from '../org/create.ts'
import { type Field, type Org, type SObject, type User } from '../org/model.ts'

export interface Action {
  input: z.ZodType
  run(world: World, input: unknown): unknown
}

/** An action with its checked input. Its result is returned as JSON. */
export const defineAction = <Input extends z.ZodType, Result>(
  input: Input,
  run: (world: World, input: z.output<Input>) => Result,
) => ({ input, run })

/** The caller named something that does not exist: answered with 400. */
export class Mistake extends Error {
  override name = 'Mistake'
}

/** The org of this id or name. */
export const orgIn = (world: World, idOrName: string): Org => {
  const orgs = [...world.orgs.values()]
  const found = orgs.find((org) => org.id === idOrName || org.name === idOrName)
  if (found !== undefined) return found
  throw new Mistake(`no org "${idOrName}"; there are: ${orgs.map(({ name }) => name).join(', ')}`)
}

export const userIn = (org: Org, username: string): User => {
  const user = userNamed(org, username)
  if (user === undefined) throw new Mistake(`${org.name} has no user "${username}"`)
  return user
}

export const objectIn = (org: Org, name: string): SObject => {
  const object = findObject(org, name)
  if (object === undefined) throw new Mistake(`${org.name} has no object "${name}"`)
  return object
}

export const fieldIn = (object: SObject, name: string): Field => {
  const field = object.fields.get(name.toLowerCase())
  if (field === undefined) throw new Mistake(`${object.name} has no field "${name}"`)
  return field
}
