import type { Catalog } from '@spica/catalog';
import { beforeEach, describe, expect, it } from 'vitest';
import { describeRedis } from '../../../test/support/redis.ts';
