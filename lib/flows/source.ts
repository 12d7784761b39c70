import { type Alias, Composer, type Document, isAlias, isCollection, isMap, isPair, isScalar, isSeq, LineCounter, type Node, Parser, visit } from "yaml";
