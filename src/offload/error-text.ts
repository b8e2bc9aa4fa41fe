/** What went wrong, in words. */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError) return errorText(error.errors[0])
  const { code, message } = error as NodeJS.ErrnoException
  return message === '' ? String(code) : message
}
