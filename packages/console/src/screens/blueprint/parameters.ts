// Values of parameters as they are typed. Pure.

import {
  type BlueprintParameter,
  type ParameterValue,
  type ParameterValues,
} from '@sfdc-engine-x/client'
import { InputError } from '../../api/input-error.ts'

/** A value as somebody would type it. */
export const typedValue = (value: ParameterValue): string =>
  typeof value === 'object' ? value.join(', ') : String(value)

/** What is not typed is left out: the default counts, or the server says that it is missing. */
export const parameterValuesOf = (
  declared: readonly BlueprintParameter[],
  typed: Readonly<Record<string, string>>,
): ParameterValues =>
  Object.fromEntries(
    declared.flatMap((parameter) => {
      const text = typed[parameter.name]?.trim() ?? ''
      return text === '' ? [] : [[parameter.name, valueOf(parameter, text)]]
    }),
  )

/** Throws a sentence for what is not of the type. */
const valueOf = ({ name, type }: BlueprintParameter, text: string): ParameterValue => {
  switch (type) {
    case 'text':
      return text
    case 'number': {
      const number = Number(text)
      if (!Number.isFinite(number)) throw new InputError(`${name} is a number, not “${text}”.`)
      return number
    }
    case 'boolean': {
      if (!['true', 'false'].includes(text)) throw new InputError(`${name} is true or false.`)
      return text === 'true'
    }
    case 'list':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
  }
}
