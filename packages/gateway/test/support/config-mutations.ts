/** A good configuration, and what makes it a wrong one. */

export const GOOD = `\
listen:
  host: 127.0.0.1
  port: 8080
control:
  host: 127.0.0.1
  port: 9090
issuers:
  - issuer: https://idp.example
    audience: https://api.example
    algorithms: [ES256]
    jwksUrl: https://idp.example/jwks
txnToken:
  trustDomain: inside.example
  lifetimeSeconds: 60
  reuseWindowSeconds: 30
upstreams:
  orders:
    url: http://127.0.0.1:3001
routes:
  - path: /orders/*
    upstream: orders
    methods: [GET, POST]
    scopes: [orders.read]
  - path: /healthz
    upstream: orders
    public: true
`;

/** Name, line that becomes another, what it becomes, where the error is, what it says. */
// prettier-ignore
export const MUTATIONS: [name: string, from: string, to: string, place: string, reason: string][] = [
  ['unknown setting at the top', 'listen:', 'listem:', '1:1', 'listem: is not a setting'],
  ['unknown setting in a section', '  host: 127.0.0.1', '  hosst: 127.0.0.1', '2:3', 'listen.hosst: is not a setting'],
  ['unknown setting in a list', '    audience: https://api.example', '    audiences: https://api.example', '9:5', 'issuers[0].audiences: is not a setting'],
  ['__proto__ as a setting', 'listen:', '__proto__: {polluted: 1}\nlisten:', '1:1', '__proto__ is not a setting'],
  ['__proto__ as an upstream', '  orders:\n', '  __proto__:\n', '17:3', '__proto__ is not a setting'],
  ['constructor as a setting', 'listen:', 'constructor: 1\nlisten:', '1:1', 'constructor is not a setting'],
  ['duplicate section', 'control:', 'listen:', '4:1', 'Map keys must be unique'],
  ['duplicate setting', '  port: 9090', '  port: 9090\n  port: 9091', '7:3', 'Map keys must be unique'],
  ['duplicate upstream', 'routes:\n', '  orders:\n    url: http://127.0.0.1:3002\nroutes:\n', '19:3', 'Map keys must be unique'],
  ['tab as indentation', '  port: 8080', '\tport: 8080', '3:1', 'Tabs'],
  ['open bracket', 'algorithms: [ES256]', 'algorithms: [ES256', '11:', ''],
  ['two documents', 'control:', '---\ncontrol:', '4:1', 'multiple documents'],
  ['unknown tag', 'port: 8080', 'port: !secret 8080', '3:9', 'tag'],
  ['alias without an anchor', 'port: 8080', 'port: *port', '3:9', 'alias'],
  ['port as a word', 'port: 8080', 'port: http', '3:9', 'listen.port: must be a number'],
  ['port as a quoted number', 'port: 8080', 'port: "8080"', '3:9', 'listen.port: must be a number'],
  ['port out of range', 'port: 8080', 'port: 65536', '3:9', 'listen.port: must be at most 65535'],
  ['port with a fraction', 'port: 8080', 'port: 80.5', '3:9', 'listen.port: must be a whole number'],
  ['port without a value', 'port: 8080', 'port:', '3:', 'listen.port: must be a number'],
  ['not a number', 'port: 8080', 'port: .nan', '3:9', 'listen.port: must be a'],
  ['infinity', 'lifetimeSeconds: 60', 'lifetimeSeconds: .inf', '14:20', 'txnToken.lifetimeSeconds: must be a'],
  ['one port for both listeners', 'port: 9090', 'port: 8080', '6:9', 'control.port: must differ'],
  ['list where a section belongs', 'control:\n  host: 127.0.0.1\n  port: 9090', 'control: [1]', '4:10', 'control: must be a map of settings'],
  ['section where a list belongs', 'algorithms: [ES256]', 'algorithms: {ES256: true}', '10:17', 'issuers[0].algorithms: must be a list'],
  ['missing issuer', '  - issuer: https://idp.example\n    audience', '  - audience', '8:5', 'issuers[0].issuer: is required'],
  ['missing audience', '    audience: https://api.example\n', '', '8:5', 'issuers[0].audience: is required'],
  ['empty audience', 'audience: https://api.example', 'audience: ""', '9:15', 'issuers[0].audience: must'],
  ['empty list of audiences', 'audience: https://api.example', 'audience: []', '9:15', 'issuers[0].audience: must'],
  ['missing algorithms', '    algorithms: [ES256]\n', '', '8:5', 'issuers[0].algorithms: is required'],
  ['no algorithms', '[ES256]', '[]', '10:17', 'issuers[0].algorithms: must not be empty'],
  ['A1: algorithm none', '[ES256]', '[none]', '10:18', 'issuers[0].algorithms[0]: must be one of'],
  ['algorithm in another case', '[ES256]', '[es256]', '10:18', 'issuers[0].algorithms[0]: must be one of'],
  ['shared secrets at the edge', '[ES256]', '[HS256]', '10:18', 'issuers[0].algorithms[0]: must be one of'],
  ['algorithm twice', '[ES256]', '[ES256, ES256]', '10:17', 'issuers[0].algorithms: names something twice'],
  ['no keys', '    jwksUrl: https://idp.example/jwks\n', '', '8:5', 'issuers[0]: needs exactly one of jwksUrl, discovery, jwksFile and pemFile'],
  ['two sources of keys', '    jwksUrl: https://idp.example/jwks\n', '    jwksUrl: https://idp.example/jwks\n    jwksFile: a.json\n', '8:5', 'issuers[0]: needs exactly one'],
  ['keys over plain http', 'https://idp.example/jwks', 'http://idp.example/jwks', '11:14', 'issuers[0].jwksUrl: must be https'],
  ['keys from a file URL', 'https://idp.example/jwks', 'file:///etc/passwd', '11:14', 'issuers[0].jwksUrl: must be an http'],
  ['password in a URL', 'https://idp.example/jwks', 'https://a:hunter2@idp.example/jwks', '11:14', 'issuers[0].jwksUrl: must be an http'],
  ['issuer twice', 'txnToken:', '  - issuer: https://idp.example\n    audience: b\n    algorithms: [ES256]\n    pemFile: a.pem\ntxnToken:', '12:13', 'issuers[1].issuer: is listed twice'],
  ['one PEM for two algorithms', 'algorithms: [ES256]\n    jwksUrl: https://idp.example/jwks', 'algorithms: [ES256, ES384]\n    pemFile: a.pem', '10:17', 'must name exactly one algorithm'],
  ['key id without PEM', 'https://idp.example/jwks\n', 'https://idp.example/jwks\n    keyId: k\n', '12:12', 'issuers[0].keyId: goes with pemFile only'],
  ['tolerance above 300 s', 'https://idp.example/jwks\n', 'https://idp.example/jwks\n    toleranceSeconds: 301\n', '12:23', 'issuers[0].toleranceSeconds: must be at most 300'],
  ['negative tolerance', 'https://idp.example/jwks\n', 'https://idp.example/jwks\n    toleranceSeconds: -1\n', '12:23', 'issuers[0].toleranceSeconds: must be at least 0'],
  ['word as a switch', 'https://idp.example/jwks\n', 'https://idp.example/jwks\n    allowInsecure: "yes"\n', '12:20', 'issuers[0].allowInsecure: must be true or false'],
  ['missing trust domain', '  trustDomain: inside.example\n', '', '13:3', 'txnToken.trustDomain: is required'],
  ['lifetime above five minutes', 'lifetimeSeconds: 60', 'lifetimeSeconds: 301', '14:20', 'txnToken.lifetimeSeconds: must be at most 300'],
  ['lifetime with a unit', 'lifetimeSeconds: 60', 'lifetimeSeconds: 60s', '14:20', 'txnToken.lifetimeSeconds: must be a number'],
  ['reuse as long as the lifetime', 'reuseWindowSeconds: 30', 'reuseWindowSeconds: 60', '15:23', 'txnToken.reuseWindowSeconds: must be shorter'],
  ['no upstreams', 'upstreams:\n  orders:\n    url: http://127.0.0.1:3001\n', '', '18:15', 'is not one of the upstreams: none'],
  ['a route without upstream', '    upstream: orders\n    methods', '    methods', '20:5', 'routes[0].upstream: is required without a decisionService'],
  ['a decision service for nobody', 'routes:\n', 'decisionService: {}\nroutes:\n', '19:18', 'decisionService: needs at least one of extAuthz and forwardAuth'],
  ['a decision service on the port of the gateway', 'routes:\n', 'decisionService: { extAuthz: { listen: { port: 8080 } } }\nroutes:\n', '19:48', 'decisionService.extAuthz.listen.port: is that of another listener'],
  ['both decision services on one port', 'routes:\n', 'decisionService: { extAuthz: {}, forwardAuth: { style: nginx, listen: { port: 9001 } } }\nroutes:\n', '19:79', 'decisionService.forwardAuth.listen.port: is that of another listener'],
  ['a decision service on any port with threads', 'routes:\n', 'decisionService: { extAuthz: { listen: { port: 0 } } }\nthreads: 2\nroutes:\n', '19:48', 'must be a port for all 2 threads, not 0'],
  ['a proxy by name', 'routes:\n', 'decisionService: { trustedProxies: [proxy.example], extAuthz: {} }\nroutes:\n', '19:37', 'must be an IP address or a CIDR block'],
  ['a block of addresses that is too short', 'routes:\n', 'decisionService: { trustedProxies: [10.0.0.0/33], extAuthz: {} }\nroutes:\n', '19:37', 'must be an IP address or a CIDR block'],
  ['forward auth without a style', 'routes:\n', 'decisionService: { forwardAuth: {} }\nroutes:\n', '19:33', 'decisionService.forwardAuth.style: is required'],
  ['forward auth of another proxy', 'routes:\n', 'decisionService: { forwardAuth: { style: apache } }\nroutes:\n', '19:42', 'must be nginx, caddy or traefik'],
  ['upstream without url', '    url: http://127.0.0.1:3001\n', '    connections: 1\n', '18:5', 'upstreams.orders: needs exactly one of url and targets'],
  ['upstream with url and targets', '    url: http://127.0.0.1:3001\n', '    url: http://a\n    targets: [http://b]\n', '18:5', 'upstreams.orders: needs exactly one of url and targets'],
  ['no targets', 'url: http://127.0.0.1:3001', 'targets: []', '18:14', 'upstreams.orders.targets: must not be empty'],
  ['a target twice', 'url: http://127.0.0.1:3001', 'targets: [http://a, http://a]', '18:14', 'upstreams.orders.targets: names something twice'],
  ['a target with a path', 'url: http://127.0.0.1:3001', 'targets: [http://a, http://b/c]', '18:25', 'upstreams.orders.targets[1]: must be an origin'],
  ['unknown protocol', 'url: http://127.0.0.1:3001', 'url: http://a\n    protocol: h3', '19:15', 'upstreams.orders.protocol: must be http1, h2, h2c or grpc'],
  ['h2 without TLS', 'url: http://127.0.0.1:3001', 'url: http://a\n    protocol: h2', '18:10', 'upstreams.orders.url: must be an https: URL with protocol: h2'],
  ['h2c with TLS', 'url: http://127.0.0.1:3001', 'targets: [https://a]\n    protocol: h2c', '18:15', 'upstreams.orders.targets[0]: must be an http: URL with protocol: h2c'],
  ['header table for HTTP/1.1', 'url: http://127.0.0.1:3001', 'url: http://a\n    headerTableBytes: 65536', '19:23', 'upstreams.orders.headerTableBytes: goes with HTTP/2 only'],
  ['TLS settings without TLS', 'url: http://127.0.0.1:3001', 'url: http://a\n    tls: { caFile: a.pem }', '19:10', 'upstreams.orders.tls: goes with https: only'],
  ['certificate without key', 'url: http://127.0.0.1:3001', 'url: https://a\n    tls: { certFile: a.pem }', '19:10', 'upstreams.orders.tls: certFile goes with keyFile only, and the other way round'],
  ['too many retries', 'url: http://127.0.0.1:3001', 'url: http://a\n    retries: 4', '19:14', 'upstreams.orders.retries: must be at most 3'],
  ['more retries than requests', 'url: http://127.0.0.1:3001', 'url: http://a\n    retryPercent: 101', '19:19', 'upstreams.orders.retryPercent: must be at most 100'],
  ['health without a question', 'url: http://127.0.0.1:3001', 'url: http://a\n    health: {}', '19:13', 'upstreams.orders.health: needs exactly one of path and grpcService'],
  ['health path without a slash', 'url: http://127.0.0.1:3001', 'url: http://a\n    health: { path: ok }', '19:21', 'upstreams.orders.health.path: must be a path'],
  ['gRPC health over HTTP/1.1', 'url: http://127.0.0.1:3001', "url: http://a\n    health: { grpcService: '' }", '19:28', 'upstreams.orders.health.grpcService: goes with protocol: grpc only'],
  ['ejection that shrinks', 'url: http://127.0.0.1:3001', 'url: http://a\n    ejection: { maxMs: 10 }', '19:24', 'upstreams.orders.ejection.maxMs: must not be below baseMs'],
  ['upstream with a path', 'http://127.0.0.1:3001', 'http://127.0.0.1:3001/base', '18:10', 'upstreams.orders.url: must be an origin'],
  ['upstream that is no URL', 'http://127.0.0.1:3001', '127.0.0.1:3001', '18:10', 'upstreams.orders.url: must be an http'],
  ['upstream name with a blank', '  orders:\n', '  "or ders":\n', '17:3', 'upstreams.or ders: must be a name'],
  ['no routes', /routes:[^]*$/.exec(GOOD)![0], 'routes: []\n', '19:9', 'routes: must not be empty'],
  ['unknown upstream', 'upstream: orders\n    methods', 'upstream: order\n    methods', '21:15', 'routes[0].upstream: is not one of the upstreams: orders'],
  ['path without a slash', '/orders/*', 'orders/*', '20:11', 'routes[0].path: must start with a slash'],
  ['path with a pattern', '/orders/*', '/orders/.*', '20:11', 'routes[0].path: must consist of segments'],
  ['path with a parameter', '/orders/*', '/orders/:id', '20:11', 'routes[0].path: must consist of segments'],
  ['path with a star inside', '/orders/*', '/orders/*/x', '20:11', 'routes[0].path: must consist of segments'],
  ['path with a half segment', '/orders/*', '/orders*', '20:11', 'routes[0].path: must consist of segments'],
  ['path with dots', '/orders/*', '/orders/../*', '20:11', 'routes[0].path: must consist of segments'],
  ['path with an empty segment', '/orders/*', '/orders//*', '20:11', 'routes[0].path: must consist of segments'],
  ['path with percent-encoding', '/orders/*', '/orders/%41/*', '20:11', 'routes[0].path: must consist of segments'],
  ['path with a query', '/healthz', '/healthz?x', '24:11', 'routes[1].path: must consist of segments'],
  ['method in small letters', '[GET, POST]', '[get]', '22:15', 'routes[0].methods[0]: must be an HTTP method'],
  ['method TRACE', '[GET, POST]', '[TRACE]', '22:15', 'routes[0].methods[0]: is never forwarded'],
  ['method twice', '[GET, POST]', '[GET, GET]', '22:14', 'routes[0].methods: names something twice'],
  ['two scopes in one', '[orders.read]', '[orders.read orders.write]', '23:14', 'routes[0].scopes[0]: must be one scope value'],
  ['empty list of scopes', '[orders.read]', '[]', '23:13', 'routes[0].scopes: must not be empty'],
  ['scopes on a public route', '    public: true', '    public: true\n    scopes: [a]', '27:13', 'routes[1].scopes: a public route cannot ask for scopes'],
  ['public as a word', 'public: true', 'public: yes', '26:13', 'routes[1].public: must be true or false'],
  ['guarded route without issuers', /issuers:[^]*?(?=txnToken)/.exec(GOOD)![0], '', '15:5', 'routes[0]: needs a token, but there are no issuers'],
  ['guarded route without txnToken', /txnToken:[^]*?(?=upstreams)/.exec(GOOD)![0], '', '16:5', 'routes[0]: needs a token, but there is no txnToken section'],
  ['same route twice', '    public: true', '    public: true\n  - path: /orders/*\n    upstream: orders\n    methods: [POST]', '27:5', 'routes[2]: has the path and a method of routes[0]'],
  ['E6: routes that differ in case', '    public: true', '    public: true\n  - path: /Orders/*\n    upstream: orders', '27:11', 'routes[2].path: differs from routes[0].path only in case'],
  ['E6: routes that differ in a trailing slash', '    public: true', '    public: true\n  - path: /healthz/\n    upstream: orders', '27:11', 'routes[2].path: differs from routes[1].path only in case or a trailing slash'],
  ['host with a port', '    public: true', '    public: true\n    host: a.example:80', '27:11', 'routes[1].host: must be a host'],
  ['host in capitals', '    public: true', '    public: true\n    host: A.example', '27:11', 'routes[1].host: must be a host'],
  ['unknown reuse', '    public: true', '    public: true\n    reuse: always', '27:12', 'routes[1].reuse: must be window or per-request'],
  ['revocation without a log', '    public: true\n', '    public: true\nrevocation: {}\n', '27:13', 'revocation.log: is required'],
  ['no kind of log', '    public: true\n', '    public: true\nrevocation: {log: {}}\n', '27:19', 'revocation.log: needs exactly one of sqlite, redis and memory'],
  ['two kinds of log', '    public: true\n', '    public: true\nrevocation: {log: {memory: true, sqlite: a.db}}\n', '27:19', 'revocation.log: needs exactly one of'],
  ['a memory that is none', '    public: true\n', '    public: true\nrevocation: {log: {memory: false}}\n', '27:28', 'revocation.log.memory: must be true'],
  ['another kind of server', '    public: true\n', '    public: true\nrevocation: {log: {redis: "http://127.0.0.1"}}\n', '27:27', 'revocation.log.redis: must be a redis: or rediss: URL'],
  ['E12: password in the Redis URL', '    public: true\n', '    public: true\nrevocation: {log: {redis: "redis://:hunter2@127.0.0.1"}}\n', '27:27', 'without a password: that goes into passwordFile'],
  ['E12: password in the query of the Redis URL', '    public: true\n', '    public: true\nrevocation: {log: {redis: "redis://127.0.0.1?password=hunter2"}}\n', '27:27', 'without a password'],
  ['password without Redis', '    public: true\n', '    public: true\nrevocation: {log: {memory: true, passwordFile: a}}\n', '27:48', 'revocation.log.passwordFile: goes with redis only'],
  ['prefix without Redis', '    public: true\n', '    public: true\nrevocation: {log: {memory: true, prefix: a}}\n', '27:42', 'revocation.log.prefix: goes with redis only'],
  ['prefix with braces', '    public: true\n', '    public: true\nrevocation: {log: {redis: "redis://127.0.0.1", prefix: "a{b}"}}\n', '27:56', 'revocation.log.prefix: must be text without braces'],
  ['deferred in no queue', '    public: true\n', '    public: true\ndeferred: {sealKeyFile: a, queue: {}}\n', '27:35', 'deferred.queue: needs exactly one of sqlite and redis'],
  ['deferred in two queues', '    public: true\n', '    public: true\ndeferred: {sealKeyFile: a, queue: {sqlite: a.db, redis: "redis://127.0.0.1"}}\n', '27:35', 'deferred.queue: needs exactly one of'],
  ['E12: password in the URL of the queue', '    public: true\n', '    public: true\ndeferred: {sealKeyFile: a, queue: {redis: "redis://:hunter2@127.0.0.1"}}\n', '27:43', 'without a password: that goes into passwordFile'],
  ['password of a queue in a file', '    public: true\n', '    public: true\ndeferred: {sealKeyFile: a, queue: {sqlite: a.db, passwordFile: b}}\n', '27:64', 'deferred.queue.passwordFile: goes with redis only'],
  ['durability of a queue in a file', '    public: true\n', '    public: true\ndeferred: {sealKeyFile: a, queue: {sqlite: a.db, durability: warn}}\n', '27:62', 'deferred.queue.durability: goes with redis only'],
  ['another durability', '    public: true\n', '    public: true\ndeferred: {sealKeyFile: a, queue: {redis: "redis://127.0.0.1", durability: none}}\n', '27:76', 'deferred.queue.durability: must be require or warn'],
  ['prefix of a queue with braces', '    public: true\n', '    public: true\ndeferred: {sealKeyFile: a, queue: {redis: "redis://127.0.0.1", prefix: "{a}"}}\n', '27:72', 'deferred.queue.prefix: must be text without braces'],
  ['stale at once', '    public: true\n', '    public: true\nrevocation: {log: {memory: true}, staleAfterMs: 10}\n', '27:49', 'revocation.staleAfterMs: must be at least 100'],
  ['fail open in other words', '    public: true\n', '    public: true\nrevocation: {log: {memory: true}, whenStale: ignore}\n', '27:46', 'revocation.whenStale: must be refuse or accept'],
  ['freshness of a route without a log', '    scopes: [orders.read]', '    revocation: {whenStale: accept}', '23:17', 'routes[0].revocation: needs the section revocation'],
  ['freshness of a public route', '    public: true\n', '    public: true\n    revocation: {staleAfterMs: 1000}\nrevocation: {log: {memory: true}}\n', '27:17', 'routes[1].revocation: a public route takes no token'],
  ['unknown freshness of a route', '    scopes: [orders.read]', '    revocation: {stale: 1}', '23:18', 'routes[0].revocation.stale: is not a setting'],
  ['address and discovery', '    jwksUrl: https://idp.example/jwks\n', '    jwksUrl: https://idp.example/jwks\n    discovery: oidc\n', '8:5', 'issuers[0]: needs exactly one of jwksUrl, discovery'],
  ['unknown discovery', 'jwksUrl: https://idp.example/jwks', 'discovery: yes', '11:16', 'issuers[0].discovery: must be oidc or oauth'],
  ['no hosts', 'https://idp.example/jwks\n', 'https://idp.example/jwks\n    allowHosts: []\n', '12:17', 'issuers[0].allowHosts: must not be empty'],
  ['hosts without anything to fetch', 'jwksUrl: https://idp.example/jwks\n', 'jwksFile: a.json\n    allowHosts: [10.0.0.0/8]\n', '12:17', 'issuers[0].allowHosts: goes with what is fetched only'],
  ['retention of keys in a file', 'jwksUrl: https://idp.example/jwks\n', 'jwksFile: a.json\n    retentionSeconds: 60\n', '12:23', 'issuers[0].retentionSeconds: goes with fetched keys only'],
  ['retention above 30 days', 'https://idp.example/jwks\n', 'https://idp.example/jwks\n    retentionSeconds: 2592001\n', '12:23', 'issuers[0].retentionSeconds: must be at most 2592000'],
  ['status lists without addresses', 'https://idp.example/jwks\n', 'https://idp.example/jwks\n    statusLists: {}\n', '12:18', 'issuers[0].statusLists.uris: is required'],
  ['status lists over plain http', 'https://idp.example/jwks\n', 'https://idp.example/jwks\n    statusLists: {uris: ["http://idp.example/s"]}\n', '12:26', 'issuers[0].statusLists.uris[0]: must be https'],
  ['status lists from a file', 'https://idp.example/jwks\n', 'https://idp.example/jwks\n    statusLists: {uris: ["file:///s"]}\n', '12:26', 'issuers[0].statusLists.uris[0]: must be an http'],
  ['bytes too few for any cache', '    public: true\n', '    public: true\ncache: {maxBytes: 100}\n', '27:19', 'cache.maxBytes: must be at least 65536'],
  ['verification that waits for nothing', '    public: true\n', '    public: true\nverification: {maxWaiting: 0}\n', '27:28', 'verification.maxWaiting: must be at least 1'],
  ['verification adaptive by a word', '    public: true\n', '    public: true\nverification: {adaptive: auto}\n', '27:26', 'verification.adaptive: must be true or false'],
  ['limit of zero', '    public: true\n', '    public: true\nlimits:\n  headersTimeoutMs: 0\n', '28:21', 'limits.headersTimeoutMs: must be at least 1'],
  ['limit without its unit', '    public: true\n', '    public: true\nlimits:\n  headersTimeout: 1000\n', '28:3', 'limits.headersTimeout: is not a setting'],
  ['unknown log level', '    public: true\n', '    public: true\nlog: {level: loud}\n', '27:14', 'log.level: must be trace'],
];
