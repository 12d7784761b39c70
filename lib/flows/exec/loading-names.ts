/** Variables that say which code a program loads or runs, so that a value in one would choose it. */
const LOADING_NAME = new RegExp(
  `^(?:${[
    "PATH|HOME|LD_.*|DYLD_.*|GCONV_PATH|XDG_.*|OPENSSL_CONF|OPENSSL_MODULES",
    // Shells, and what looks for an editor, a pager or a browser.
    "BASH_.*|ENV|ZDOTDIR|IFS|PS4|PROMPT_COMMAND|SHELL|SHELLOPTS",
    ".*EDITOR|VISUAL|.*PAGER|BROWSER|LESSOPEN|LESSCLOSE|VIMINIT|EXINIT|.*ASKPASS",
    // Languages and their tools.
    "NODE_(?:OPTIONS|PATH|EXTRA_CA_CERTS)|BUN_.*|DENO_.*|PYTHON.*|PERL5.*|PERLLIB|RUBY.*|GEM_.*|BUNDLE_.*",
    "PHPRC|PHP_INI_.*|LUA_.*|CLASSPATH|_?JAVA_.*|JDK_JAVA_OPTIONS|MAVEN_OPTS|GRADLE_OPTS|DOTNET_.*|ERL_.*|R_(?:HOME|PROFILE|ENVIRON|LIBS).*",
    "(?:GNU)?MAKEFLAGS|MAKEFILES|CC|CXX|LD|RUSTC|RUSTC_WRAPPER|TAR_OPTIONS",
    // What connects elsewhere.
    "GIT_(?!(?:(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE)|SHA|COMMIT|COMMIT_SHA|BRANCH|TAG|REF|REPO|REPOSITORY|URL|MESSAGE)$).*|SSH_.*|RSYNC_.*|DOCKER_HOST|KUBECONFIG",
  ].join("|")})$`,
);

/** True for a variable whose value chooses code. */
export function isLoadingName(name: string): boolean {
  // npm reads its own in whatever case.
  return LOADING_NAME.test(name) || /^npm_config_/i.test(name);
}
