// Finds, in the syntax trees of the sources, everything that can grow.
import ts from 'typescript'

/** Makes of our own and of packages that hold others; a WeakMap or WeakSet keeps nothing alive. */
const CONTAINERS = new Set(['Map', 'Set', 'LRUCache', 'PQueue', 'Heap', 'EventQueue', 'Deadlines', 'RunQueue'])
const GROWING = new Set(['set', 'add', 'push', 'unshift', 'splice'])

/**
 * The Maps, Sets, caches, queues and arrays of a file that outlive the call that made them, by their names: fields of
 * classes and objects, variables of modules that are changed, and variables of functions that wait, that another
 * function changes, or that are put into another container. What never changes, and what a call throws away at its end,
 * cannot grow.
 */
export function containersIn (fileName: string, text: string): string[] {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, true)
  const found = new Set<string>()
  visit(source, node => {
    if (!isContainer(node)) return
    const owner = ownerOf(node)
    if (owner === undefined) return
    if (ts.isVariableDeclaration(owner) ? isKept(owner) : !isReadonlyArray(owner)) found.add(nameOf(owner))
  })
  return [...found]
}

function isContainer (node: ts.Node): node is ts.NewExpression | ts.ArrayLiteralExpression {
  if (ts.isNewExpression(node)) return ts.isIdentifier(node.expression) && CONTAINERS.has(node.expression.text)
  return ts.isArrayLiteralExpression(node)
}

type Owner = ts.PropertyDeclaration | ts.PropertyAssignment | ts.VariableDeclaration | ts.PropertyAccessExpression

/** What a new container is assigned to, directly or as the other side of `??`. */
function ownerOf (node: ts.NewExpression | ts.ArrayLiteralExpression): Owner | undefined {
  let parent: ts.Node = node.parent
  while (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) parent = parent.parent
  // An array with something in it is a value; one that is to be filled begins empty.
  const isQueue = ts.isNewExpression(node) || node.elements.length === 0
  if (ts.isPropertyDeclaration(parent)) return isQueue || parent.name.getText().startsWith('#') ? parent : undefined
  if (!isQueue) return undefined
  if (ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent)) return parent
  if (!ts.isBinaryExpression(parent) || parent.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return undefined
  const { left } = parent
  if (ts.isPropertyAccessExpression(left)) return left
  return ts.isIdentifier(left) ? declarationOf(left) : undefined
}

const nameOf = (owner: Owner): string => owner.name.getText()

/** A list that is replaced as a whole. */
function isReadonlyArray (owner: Exclude<Owner, ts.VariableDeclaration>): boolean {
  return ts.isPropertyDeclaration(owner) && owner.type !== undefined &&
    /^(?:readonly |Readonly(?:Array|Map|Set)<)/.test(owner.type.getText())
}

/** A variable that lives longer than one run of its function, and changes. */
function isKept (variable: ts.VariableDeclaration): boolean {
  const home = functionOf(variable)
  const isLong = home !== undefined && isAsync(home)
  let isChanged = false
  visit(home ?? variable.getSourceFile(), node => {
    if (!ts.isIdentifier(node) || node.text !== variable.name.getText() || node === variable.name) return
    const { parent } = node
    const grows = ts.isPropertyAccessExpression(parent) && parent.expression === node && GROWING.has(parent.name.text) &&
      ts.isCallExpression(parent.parent)
    if (grows && (home === undefined || isLong || functionOf(node) !== home)) isChanged = true
    if (!ts.isCallExpression(parent) || !parent.arguments.includes(node)) return
    const isPut = ts.isPropertyAccessExpression(parent.expression) && GROWING.has(parent.expression.name.text)
    if (isPut || (home !== undefined && functionOf(node) !== home)) isChanged = true
  })
  return isChanged
}

function declarationOf (identifier: ts.Identifier): ts.VariableDeclaration | undefined {
  let found: ts.VariableDeclaration | undefined
  visit(functionOf(identifier) ?? identifier.getSourceFile(), node => {
    if (ts.isVariableDeclaration(node) && node.name.getText() === identifier.text) found = node
  })
  return found
}

function functionOf (node: ts.Node): ts.FunctionLikeDeclaration | undefined {
  let parent = node.parent
  while (parent !== undefined && !isFunction(parent)) parent = parent.parent
  return parent as ts.FunctionLikeDeclaration | undefined
}

const isFunction = (node: ts.Node): node is ts.FunctionLikeDeclaration => ts.isFunctionLike(node) && 'body' in node

const isAsync = (node: ts.FunctionLikeDeclaration): boolean => ts.canHaveModifiers(node) &&
  ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword) === true

function visit (node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  ts.forEachChild(node, child => visit(child, see))
}
