/** Asks for a token, where the peer asks for one or somebody wishes to show another. */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import { onSubmit } from './forms.ts'
import type { State } from './state.ts'

export interface Actions {
  giveToken(token: string): void
  forgetToken(): void
  askToken(): void
}

export function tokenForm({ trouble, hasToken }: State, actions: Actions): TemplateResult {
  const detail = trouble?.kind === 'token' ? trouble.detail : undefined
  return html`
    <section class="card narrow" aria-labelledby="token-title">
      ${detail === undefined ? html`<h2 id="token-title">Token</h2>` : html`<h1 id="token-title" tabindex="-1">Token</h1>`}
      <p role="status">${detail ?? 'A token opens here what it opens elsewhere.'}</p>
      <form @submit=${onSubmit((field) => actions.giveToken(field('token').trim()))}>
        <label class="field"
          ><span>Token, as “replicator token” wrote it</span><input name="token" type="password" required autocomplete="off"
        /></label>
        <p class="line end">
          ${hasToken ? html`<button type="button" @click=${() => actions.forgetToken()}>Forget the token</button>` : nothing}
          <button class="strong">Use this token</button>
        </p>
      </form>
      <p class="quiet small">It is kept for this tab alone, until the tab is closed.</p>
    </section>
  `
}
