// A front end for the djoser dialect, in the browser's own words: no library and no build step.

const api = new URL(document.querySelector('meta[name=api]').content)

// --- Tokens -------------------------------------------------------------------------------------------------------------------------------------------------
//
// All tabs share one pair, in localStorage, so that signing in or out of one is so for all. Scripts can read it there: a page whose scripts are not all its own
// is safer with cookies that they cannot read, as dj-rest-auth has them.

const tokens = {
  get: () => JSON.parse(localStorage.getItem('tokens')),
  set(pair) {
    if (pair) localStorage.setItem('tokens', JSON.stringify(pair))
    else localStorage.removeItem('tokens')
    keepFresh()
  },
}

// A refused request: its status, and what was wrong with which field.
class Refused extends Error {
  constructor(answer, body) {
    super(body.detail ?? `The server answered ${answer.status}.`)
    this.status = answer.status
    this.fields = Object.entries(body).filter(([, messages]) => Array.isArray(messages))
  }
}

// ask sends a request, as nobody or with an access token, and gives the body of its answer.
async function ask(method, path, body, access) {
  const headers = {}
  if (body) headers['Content-Type'] = 'application/json'
  if (access) headers.Authorization = `Bearer ${access}`
  let answer
  try {
    answer = await fetch(new URL(path, api), { method, headers, body: body && JSON.stringify(body), credentials: 'omit' })
  } catch {
    throw new Error('The server cannot be reached. Try again in a moment.')
  }
  const read = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Refused(answer, read)
  return read
}

// askSigned sends a request as the user. Where the token has ended after all, it gets a new one and asks again.
async function askSigned(method, path, body) {
  const pair = tokens.get()
  if (!pair) throw new Error('You are signed out.')
  try {
    return await ask(method, path, body, pair.access)
  } catch (error) {
    if (error.status !== 401) throw error
  }
  return ask(method, path, body, await refresh(pair.access))
}

// refresh replaces an access token and gives its successor. Of requests that find it ended one asks, and the others wait and take what it got: a refresh token
// that is used twice looks stolen. (A tab may see too late what another one has written. Then Latchkey gives both the same successor.)
function refresh(access) {
  return navigator.locks.request('tokens', async () => {
    const pair = tokens.get()
    if (!pair) throw new Error('You are signed out.')
    if (pair.access !== access) return pair.access
    try {
      tokens.set({ ...pair, ...await ask('POST', 'jwt/refresh/', { refresh: pair.refresh }) })
    } catch (error) {
      if (error.status !== 401) throw error
      tokens.set(null)
      go('login', 'Your session has ended. Please log in again.')
      throw error
    }
    return tokens.get().access
  })
}

// keepFresh refreshes the access token in the background, half a minute before it ends, in the one tab that does so for all.
let timer
function keepFresh() {
  clearTimeout(timer)
  const pair = tokens.get()
  if (!pair) return
  document.getElementById('until').textContent = new Date(expiry(pair.access)).toLocaleTimeString()
  const left = expiry(pair.access) - Date.now()
  if (!chosen || left <= 0) return // where it has ended, the next request refreshes it
  timer = setTimeout(() => refresh(pair.access).catch(keepFresh), Math.max(left - 30_000, left / 2, 1000))
}

// The tab that holds this lock is chosen, until it is closed and another gets it.
let chosen = false
navigator.locks.request('background', () => {
  chosen = true
  keepFresh()
  return new Promise(() => {})
})

// expiry is when a token ends, in milliseconds: the claims are for anybody to read.
function expiry(token) {
  const claims = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')
  return JSON.parse(atob(claims)).exp * 1000
}

// --- What people do -----------------------------------------------------------------------------------------------------------------------------------------

const actions = {
  async logIn(fields) {
    tokens.set(await ask('POST', 'jwt/create/', fields))
    go('profile')
  },
  async signUp(fields) {
    await ask('POST', 'users/', fields)
    mailed(fields.email, 'users/resend_activation/')
  },
  async resend() {
    await ask('POST', mail.path, { email: mail.email })
    say('It is on its way again.')
  },
  async activate() {
    const [uid, token] = rest()
    await ask('POST', 'users/activation/', { uid, token })
    go('login', 'Your account is ready. Log in to go on.')
  },
  async forgotten(fields) {
    await ask('POST', 'users/reset_password/', fields)
    mailed(fields.email, 'users/reset_password/')
  },
  async newPassword(fields) {
    const [uid, token] = rest()
    await ask('POST', 'users/reset_password_confirm/', { uid, token, ...fields })
    tokens.set(null)
    go('login', 'Your new password is saved. Log in with it.')
  },
  async saveProfile({ username, ...fields }, form) {
    const before = form.elements.email.defaultValue
    const user = await askSigned('PATCH', 'users/me/', fields)
    if (user.email === before) return say('Saved.')
    tokens.set(null) // the account waits until the new address is activated
    mailed(user.email, 'users/resend_activation/')
  },
  async changePassword({ username, ...fields }, form) {
    await askSigned('POST', 'users/set_password/', fields)
    // The tokens that came before have ended with the old password.
    tokens.set(await ask('POST', 'jwt/create/', { username, password: fields.new_password }))
    form.reset()
    form.elements.username.value = username
    say('Your password is changed. Other devices are logged out.')
  },
  async logOut() {
    await navigator.locks.request('tokens', async () => {
      const pair = tokens.get()
      tokens.set(null)
      if (pair) await ask('POST', 'jwt/blacklist/', { refresh: pair.refresh }).catch(() => {})
    })
    go('login', 'You are logged out.')
  },
}

// mail is what was sent last, for the page that tells of it.
let mail = {}
function mailed(email, path) {
  mail = { email, path }
  go('mailed')
}

// --- Pages --------------------------------------------------------------------------------------------------------------------------------------------------

const views = {
  async profile(view) {
    const user = await askSigned('GET', 'users/me/')
    for (const input of view.querySelectorAll('input[name]')) {
      if (input.name in user) input.value = input.defaultValue = user[input.name]
    }
  },
  mailed(view) {
    if (!mail.email) return go('login')
    view.querySelector('[data-text=email]').textContent = mail.email
    view.querySelector('[data-mailbox]').href = new URL('/dev/mail/', api)
    view.querySelector('[data-local]').hidden = !['localhost', '127.0.0.1'].includes(api.hostname)
  },
}

// The address is #/name/…: rest is what follows the name.
const rest = () => location.hash.split('/').slice(2)

// go shows a page, and says something there.
let news = ''
function go(name, text = '') {
  news = text
  if (location.hash === `#/${name}`) show()
  else location.hash = `#/${name}`
}

function say(text) {
  document.getElementById('status').textContent = text
}

// show shows the page that the address names, or the one that fits.
async function show() {
  const signedIn = tokens.get() !== null
  let name = location.hash.split('/')[1]
  if (!document.querySelector(`[data-view="${CSS.escape(name ?? '')}"]`)) name = 'profile'
  if (name === 'profile' && !signedIn) name = 'login'
  if ((name === 'login' || name === 'sign-up') && signedIn) name = 'profile'
  for (const part of document.querySelectorAll('[data-signed]')) part.hidden = (part.dataset.signed === 'in') !== signedIn
  say(news)
  news = ''
  const view = document.querySelector(`[data-view="${name}"]`)
  try {
    await views[name]?.(view)
  } catch (error) {
    if (tokens.get()) say(error.message)
    else if (signedIn) return
  }
  for (const other of document.querySelectorAll('[data-view]')) other.hidden = other !== view
  const title = view.querySelector('h1')
  document.title = `${title.textContent} · Example`
  title.focus({ preventScroll: true }) // so that it is read out
}

// complain puts each message beside its field, and what belongs to none above them.
function complain(form, error) {
  const general = []
  for (const [name, messages] of error.fields ?? []) {
    const input = form.elements[name]
    if (!input || input.hidden) general.push(...messages)
    else note(input, messages.join(' '))
  }
  if (!error.fields?.length) general.push(error.message)
  if (general.length) {
    const text = Object.assign(document.createElement('p'), { className: 'error', textContent: general.join(' ') })
    text.setAttribute('role', 'alert')
    form.prepend(text)
  }
  form.querySelector('[aria-invalid]')?.focus()
}

function note(input, message) {
  const text = Object.assign(document.createElement('p'), { className: 'error', id: `${input.id}-error`, textContent: message })
  input.setAttribute('aria-invalid', 'true')
  input.setAttribute('aria-describedby', `${text.id} ${input.getAttribute('aria-describedby') ?? ''}`.trim())
  input.after(text)
}

function forgive(form) {
  for (const text of form.querySelectorAll('.error')) text.remove()
  for (const input of form.querySelectorAll('[aria-invalid]')) {
    const others = input.getAttribute('aria-describedby').split(' ').filter((id) => id !== `${input.id}-error`)
    input.removeAttribute('aria-invalid')
    if (others.length) input.setAttribute('aria-describedby', others.join(' '))
    else input.removeAttribute('aria-describedby')
  }
}

document.addEventListener('submit', async (event) => {
  event.preventDefault()
  const form = event.target
  const button = form.querySelector('button')
  button.disabled = true
  say('')
  forgive(form)
  try {
    await actions[form.dataset.do](Object.fromEntries(new FormData(form)), form)
  } catch (error) {
    complain(form, error)
  } finally {
    button.disabled = false
  }
})

document.querySelector('button[data-do=logOut]').addEventListener('click', () => actions.logOut())

addEventListener('hashchange', show)

// Another tab signed in or out, or has new tokens.
addEventListener('storage', ({ key, oldValue, newValue }) => {
  if (key !== 'tokens' && key !== null) return
  keepFresh()
  if (!oldValue !== !newValue) show()
})

keepFresh()
show()
