/** The environment without what would set up the servers that are measured. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const ours =
    /^(HOST|PORT|DATABASE_URL|WORKFLOWS_DIR|WEBHOOK_.*|ADMIN_TOKEN.*|TRUST_PROXY|ROLE|CONCURRENCY|LOG_.*|MAX_BODY_BYTES|RETENTION_DAYS|ID_RETENTION_DAYS|SHUTDOWN_GRACE|NODE_ENV|NODE_OPTIONS|NODE_V8_COVERAGE)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}
