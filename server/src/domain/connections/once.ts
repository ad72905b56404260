/** Callers that arrive while a call is running share its result. */
export const once = <T>(
  flights: Map<string, Promise<T>>,
  key: string,
  start: () => Promise<T>,
): Promise<T> => {
  const running = flights.get(key)
  if (running !== undefined) return running
  const flight = start().finally(() => flights.delete(key))
  flights.set(key, flight)
  return flight
}
