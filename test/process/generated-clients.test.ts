/** The description of HTTP is good enough for other languages: clients are made from it, built and used. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { it } from 'node:test'
import { ROOT } from '../../scripts/run.ts'

const TIMEOUT_MS = 600_000
/** Installed by .ci/run. */
const { OPENAPI_PYTHON = 'openapi-python-client', OAPI_CODEGEN = 'oapi-codegen' } = process.env

function whyNot(): string | false {
  if (spawnSync(OPENAPI_PYTHON, ['--version']).status !== 0)
    return 'there is no openapi-python-client here: pip install openapi-python-client, and name it in OPENAPI_PYTHON'
  if (spawnSync(OAPI_CODEGEN, ['-version']).status !== 0)
    return 'there is no oapi-codegen here: go install github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen'
  return false
}

it('clients for Python and Go, made from the description, put, get, list and read logs', { skip: whyNot(), timeout: TIMEOUT_MS }, () => {
  const script = join(ROOT, 'scripts', 'clients.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--python', OPENAPI_PYTHON, '--go', OAPI_CODEGEN], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
  assert.equal(status, 0, `${stdout}${stderr}`)
})
