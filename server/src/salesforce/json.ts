// Checks of parsed values of any origin.

export type JsonObject = Record<string, unknown>

export type JsonValue = string | number | boolean | null | JsonObject | readonly JsonValue[]

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value if it is a string, else null. */
export const asText = (value: unknown): string | null => (typeof value === 'string' ? value : null)
