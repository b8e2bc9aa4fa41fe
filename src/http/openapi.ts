export function openApiDocument(version: string, valueBytesMax: number): Record<string, unknown> {
  return { openapi: '3.1.0', info: { version, valueBytesMax } }
}
