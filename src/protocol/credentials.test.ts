// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { cleanFields, cleanTarget } from './credentials.js'
import { play, type Step } from './http1/http1.cases.js'

const fingerprint = (secret: Uint8Array): string => `<${Buffer.from(secret).toString('latin1')}>`
const clean = (name: string, value: string) => cleanFields([[name, value]], fingerprint)

describe('credentials', () => {
  const keys: [name: string, value: string, source: string, kind: string, secret: string][] = [
    ['authorization', 'Bearer sk-proj-abc', 'authorization_bearer', 'openai_project', 'sk-proj-abc'],
    [
      'authorization',
      'bearer sk-svcacct-abc',
      'authorization_bearer',
      'openai_service_account',
      'sk-svcacct-abc',
    ],
    ['authorization', 'Bearer sk-abc', 'authorization_bearer', 'secret_key', 'sk-abc'],
    ['authorization', 'Bearer sk-ant-oat01-x', 'authorization_bearer', 'anthropic_oauth', 'sk-ant-oat01-x'],
    ['authorization', 'Bearer ya29.a0', 'authorization_bearer', 'google_oauth', 'ya29.a0'],
    ['authorization', 'Bearer eyJhbGciOi.eyJzdWIi.x', 'authorization_bearer', 'jwt', 'eyJhbGciOi.eyJzdWIi.x'],
    ['authorization', 'Basic dTpw', 'authorization_basic', 'unknown', 'Basic dTpw'],
    [
      'authorization',
      'AWS4-HMAC-SHA256 Credential=A',
      'authorization_other',
      'aws_signature',
      'AWS4-HMAC-SHA256 Credential=A',
    ],
    ['proxy-authorization', 'Basic dTpw', 'proxy-authorization_basic', 'unknown', 'Basic dTpw'],
    ['x-api-key', 'sk-ant-api03-x', 'x-api-key', 'anthropic_api', 'sk-ant-api03-x'],
    ['api-key', '0123', 'api-key', 'unknown', '0123'],
    ['x-goog-api-key', 'AIzaSy', 'x-goog-api-key', 'google_api', 'AIzaSy'],
    ['x-corp-auth', 'whatever', 'x-corp-auth', 'unknown', 'whatever'],
    ['x-note', 'use sk-abcdef', 'x-note', 'unknown', 'use sk-abcdef'],
  ]
  for (const [name, value, source, kind, secret] of keys)
    it(`takes ${name}: ${value} out of the head`, () => {
      expect(clean(name, value)).toEqual({
        headers: [],
        credentials: [{ source, class: kind, fingerprint: `<${secret}>` }],
      })
    })

  it('removes cookies, empty keys and nothing of them stays', () => {
    for (const name of ['cookie', 'set-cookie', 'x-api-key'])
      expect(clean(name, name === 'x-api-key' ? ' ' : 'session=1')).toEqual({ headers: [], credentials: [] })
  })

  it('empties what looks like a token in a field nobody knows, and keeps what is read', () => {
    expect(clean('x-unheard-of', 'q8Jd02kfLs93kdKw02mdQ').headers).toEqual([['x-unheard-of', '']])
    for (const [name, value] of [
      ['x-request-id', 'req_cab406bd080027c2acf5022a1a5e6c7d'],
      ['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
      ['user-agent', 'OpenAI/JS 6.49.0'],
      ['anthropic-ratelimit-tokens-remaining', '100'],
      ['x-ratelimit-limit-tokens', '100'],
      ['www-authenticate', 'Bearer realm="api"'],
      ['x-mode', 'fast'],
    ] as const)
      expect(clean(name, value).headers, name).toEqual([[name, value]])
  })

  it('drops every query value and fingerprints those that are keys', () => {
    expect(cleanTarget('/v1/models?alt=sse&key=AIzaX&q#f', fingerprint)).toEqual({
      path: '/v1/models',
      queryNames: ['alt', 'key', 'q'],
      authority: undefined,
      credentials: [{ source: 'query', class: 'google_api', fingerprint: '<AIzaX>' }],
    })
    expect(clean('location', 'https://h/p?token=secret').headers).toEqual([['location', 'https://h/p']])
    expect(cleanTarget('/v1/sk-ant-api03-x/chat?sk-live', fingerprint)).toMatchObject({
      path: '/v1/*/chat',
      queryNames: [''],
    })
  })

  it('drops what stands in a query, a path parameter or a fragment without a name', () => {
    expect(cleanTarget('/a;jsessionid=1F2E/b;v=2?tok3n0123456789abcdefgh&alt', fingerprint)).toMatchObject({
      path: '/a/b',
      queryNames: ['', 'alt'],
    })
    expect(clean('location', '/p#access_token=x').headers).toEqual([['location', '/p']])
    expect(clean('referer', 'https://u:pw@h/p').headers).toEqual([['referer', 'https://h/p']])
  })

  it('takes linear time for a long value of a field nobody knows', () => {
    const value = '!'.repeat(250_000)
    expect(clean('x-unknown', value).headers).toEqual([['x-unknown', value]])
  }, 2_000)

  it('names an IPv6 host without brackets', () => {
    const steps: Step[] = [['>', 'GET /a HTTP/1.1\r\nHost: [2001:DB8::1]:8443\r\n\r\n']]
    expect(play(steps).events[0]).toMatchObject({ head: { host: '2001:db8::1', port: 8443 } })
  })

  it('reads absolute and authority targets without user information', () => {
    expect(cleanTarget('https://user:pw@api.test/v1?x=1', fingerprint)).toMatchObject({
      path: '/v1',
      authority: 'api.test',
    })
    expect(cleanTarget('api.test:443', fingerprint)).toMatchObject({ path: '/', authority: 'api.test:443' })
  })

  it('lets no canary through the room', () => {
    const { events } = play([
      [
        '>',
        'POST /v1/chat?key=CANARY1 HTTP/1.1\r\nHost: api.test:8443\r\nAuthorization: Bearer CANARY2\r\n' +
          'X-Api-Key: CANARY3\r\nCookie: a=CANARY4\r\nContent-Length: 0\r\n\r\n',
      ],
      ['<', 'HTTP/1.1 200 OK\r\nSet-Cookie: CANARY5\r\nContent-Length: 0\r\n\r\n'],
    ])
    const text = JSON.stringify(events, (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    expect(text).not.toContain('CANARY')
    expect(events[0]).toMatchObject({ head: { host: 'api.test', port: 8443, queryNames: ['key'] } })
  })
})
