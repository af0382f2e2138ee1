/** The version of this package, as in package.json; a test keeps them equal. @internal */
export const PACKAGE_VERSION = "0.1.0";
