/** Pages of one site, in a package that everybody can get. */
export interface PageSet {
  /** Host of the site. */
  readonly host: string
  readonly from: 'debian' | 'npm'
  readonly package: string
  /** npm: exactly this one; Debian: of the release that is installed (12 when the list was made). */
  readonly version?: string
  /** Packages whose files it links to; they are unpacked into the same folder. */
  readonly with: readonly string[]
  /** Folder of the site in the package. */
  readonly root: string
  readonly pages: readonly string[]
}

const debian = (name: string, root: string, pages: readonly string[], others: readonly string[] = []): PageSet =>
  ({ host: `${name}.i2p`, from: 'debian', package: name, with: others, root, pages })

const npm = (name: string, version: string, root: string, pages: readonly string[] = ['index.html']): PageSet =>
  ({ host: `${name.replace('.', '-')}.i2p`, from: 'npm', package: name, version, with: [], root, pages })

/** What pages made with Sphinx link to. */
const SPHINX = ['libjs-sphinxdoc', 'libjs-jquery', 'libjs-underscore']

/** Manuals as Debian packs them, and sites that were built with generators and published on npm. Chosen before any result. */
export const PAGE_SETS: readonly PageSet[] = [
  debian('apache2-doc', 'usr/share/doc/apache2-doc/manual', [
    'en/index.html', 'en/mod/core.html', 'en/howto/auth.html', 'en/mod/mod_proxy.html'
  ]),
  debian('cmake-doc', 'usr/share/doc/cmake-data/html', ['index.html', 'manual/cmake.1.html', 'command/add_library.html'], SPHINX),
  debian('debian-handbook', 'usr/share/doc/debian-handbook/html/en-US', [
    'index.html', 'foreword.html', 'sect.installation-steps.html', 'sect.apt-frontends.html', 'sect.ipv6.html'
  ]),
  debian('git-doc', 'usr/share/doc/git-doc', ['index.html', 'gittutorial.html', 'git-verify-commit.html']),
  debian('libgtk-3-doc', 'usr/share/gtk-doc/html/gtk3', ['index.html', 'GtkHBox.html', 'gtk-getting-started.html', 'ch02.html']),
  debian('postgresql-doc-15', 'usr/share/doc/postgresql-doc-15/html', ['index.html', 'sql-select.html', 'regress.html']),
  debian('python-django-doc', 'usr/share/doc/python-django-doc/html', [
    'index.html', 'intro/tutorial01.html', 'ref/databases.html'
  ], SPHINX),
  debian('python3.11-doc', 'usr/share/doc/python3.11/html', ['index.html', 'library/itertools.html', 'howto/index.html'], SPHINX),
  debian('sqlite3-doc', 'usr/share/doc/sqlite3', ['index.html', 'lang_select.html', 'dbstat.html']),
  npm('admin-lte', '2.4.18', '', [
    'index.html', 'index2.html', 'pages/widgets.html', 'pages/examples/profile.html', 'pages/tables/data.html'
  ]),
  npm('gentelella', '1.4.0', '', [
    'production/index.html', 'production/media_gallery.html', 'production/profile.html', 'production/inbox.html'
  ]),
  npm('startbootstrap-sb-admin-2', '4.1.4', '', ['index.html', 'cards.html', 'login.html']),
  npm('startbootstrap-clean-blog', '6.0.9', 'dist', ['index.html', 'about.html', 'post.html']),
  npm('startbootstrap-business-casual', '7.0.9', 'dist', ['index.html', 'about.html', 'products.html']),
  npm('startbootstrap-agency', '7.0.12', 'dist'),
  npm('startbootstrap-freelancer', '7.0.7', 'dist'),
  npm('startbootstrap-creative', '7.0.7', 'dist'),
  npm('startbootstrap-new-age', '6.0.7', 'dist'),
  npm('startbootstrap-grayscale', '7.0.6', 'dist'),
  npm('startbootstrap-landing-page', '6.0.6', 'dist'),
  npm('startbootstrap-resume', '7.0.6', 'dist'),
  npm('startbootstrap-stylish-portfolio', '6.0.6', 'dist'),
  npm('reveal.js', '4.6.1', '', ['demo.html', 'index.html']),
  npm('html5-boilerplate', '9.0.1', 'dist')
]
